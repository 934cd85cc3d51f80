import { AbortFlag } from '@millrace/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RelayRequest } from '../core/types.js';

/** One for all: nobody reads where it came from. */
const GONE = new Error('the client is gone');

/** A client's request as the forwarder takes it. Nothing of its body is read until it is asked for. */
export function readRequest(request: IncomingMessage, response: ServerResponse): RelayRequest {
  const gone = new AbortFlag();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(GONE);
  });
  const contentLength = contentLengthOf(request);
  return {
    method: request.method ?? '',
    token: tokenOf(request.url ?? ''),
    contentType: request.headers['content-type'] ?? null,
    ...(contentLength === undefined ? {} : { contentLength }),
    body: bodyOf(request),
    signal: gone,
  };
}

/**
 * All of a short body whose length is told. Most requests have one: going on in one piece, together with its head, is quicker than
 * piece by piece. Rejects where the client cuts it.
 */
export function readWhole(request: IncomingMessage, bytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const onClose = (): void => reject(GONE);
    request.on('error', onClose);
    request.once('close', onClose);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      request.off('close', onClose);
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
  });
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
