import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RelayRequest } from '../core/types.js';

/** A client's request as the forwarder takes it. Nothing of its body is read until it is asked for. */
export function readRequest(request: IncomingMessage, response: ServerResponse): RelayRequest {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const contentLength = contentLengthOf(request);
  return {
    method: request.method ?? '',
    token: tokenOf(request.url ?? ''),
    contentType: request.headers['content-type'] ?? null,
    ...(contentLength === undefined ? {} : { contentLength }),
    body: bodyOf(request),
    signal: gone.signal,
  };
}

/** Read from the text, since a request line may hold what no URL parser takes. */
function tokenOf(url: string): string | null {
  const query = url.indexOf('?');
  return query === -1 ? null : new URLSearchParams(url.slice(query)).get('token');
}

function contentLengthOf(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  if (header !== undefined) return Number(header);
  // Without length and chunks an HTTP request has no body (RFC 9112, section 6.3).
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return {
    // An upload that stops early must leave the connection, which has an answer to carry.
    [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>,
  };
}
