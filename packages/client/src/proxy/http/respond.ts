import type { ServerResponse } from 'node:http';
import type { Page } from './pages.js';
import { pageHeaders } from './pages.js';

/**
 * Answers a request with a page. The connection goes on unless the request has not come in completely: what is left of
 * it is not worth reading.
 */
export function respond(response: ServerResponse, page: Page): void {
  const headers = pageHeaders(page);
  if (!response.req.complete) headers.push(['Connection', 'close']);
  response.writeHead(page.status, headers.flat());
  response.end(response.req.method === 'HEAD' ? undefined : page.text);
}
