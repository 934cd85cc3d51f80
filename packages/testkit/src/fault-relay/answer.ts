import type { ServerResponse } from 'node:http';

/** Sends a whole answer. */
export function answer(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

export function answerHtml(response: ServerResponse, status: number, page: string): void {
  answer(response, status, 'text/html; charset=utf-8', page);
}

/** Sends the first bytes of an answer that promises more, then cuts the connection. */
export function answerTruncated(
  response: ServerResponse,
  how: 'length' | 'chunked',
  contentType: string,
  body: Buffer,
  keepBytes: number,
): void {
  const headers: Record<string, string | number> = { 'content-type': contentType };
  if (how === 'length') headers['content-length'] = body.length;
  response.writeHead(200, headers);
  response.flushHeaders();
  // Ends the TCP connection without the end of the HTTP body, and only after the kept bytes left.
  response.write(body.subarray(0, keepBytes), () => response.socket?.end());
}

/** Cuts the connection of a request without an answer. */
export function cut(response: ServerResponse): void {
  response.socket?.destroy();
}
