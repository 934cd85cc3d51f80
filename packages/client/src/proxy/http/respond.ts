import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Page } from './pages.js';
import { pageHeaders } from './pages.js';

/** Answers a request with a page. The connection goes on where it can. */
export function respond(response: ServerResponse, page: Page): void {
  const { req } = response;
  response.writeHead(page.status, [...pageHeaders(page), ...connectionFields(req)].flat());
  response.end(req.method === 'HEAD' ? undefined : page.text);
  dropRest(req);
}

/**
 * What an answer has to say of the connection. After a final answer in place of `100 Continue` nobody can tell whether
 * the body still comes (RFC 9110, section 10.1.1).
 */
export function connectionFields(request: IncomingMessage): Array<[name: string, value: string]> {
  return !request.complete && request.headers.expect !== undefined ? [['Connection', 'close']] : [];
}

/**
 * The request was answered before all of it had come: the rest is read and thrown away. Closing over it would reset the
 * connection, and the answer would be lost with it.
 */
export function dropRest(request: IncomingMessage): void {
  if (request.complete) return;
  request.unpipe();
  request.resume();
}
