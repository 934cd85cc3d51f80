import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RelayAnswer } from '../core/types.js';
import { CLIENT_STALL_TIMEOUT_MS } from './limits.js';

/** Who hears of an answer. */
export interface AnswerHooks {
  /** Counts the node's bytes. */
  readonly onBytes?: (bytes: number) => void;
  /** A chunk of the node's is with the system: its memory may be used again. */
  readonly used?: (chunk: Uint8Array) => void;
}

/**
 * Sends an answer at the client's pace. Resolves when all of it is with the system; rejects where the body was cut or
 * the client is gone, and then the connection must be cut.
 */
export async function writeAnswer(
  response: ServerResponse,
  answer: RelayAnswer,
  { onBytes, used }: AnswerHooks = {},
): Promise<void> {
  const { body, status, contentType } = answer;
  const head = { 'content-type': contentType, 'cache-control': 'no-store' };
  if (typeof body === 'string') {
    response.writeHead(status, { ...head, 'content-length': Buffer.byteLength(body) });
    await end(response, body);
    return;
  }
  const { contentLength } = answer;
  response.writeHead(status, contentLength === undefined ? head : { ...head, 'content-length': contentLength });
  response.setTimeout(CLIENT_STALL_TIMEOUT_MS, () => response.socket?.resetAndDestroy());
  if (body instanceof Uint8Array) {
    onBytes?.(body.length);
    await end(response, body);
    used?.(body);
    return;
  }
  for await (const chunk of body) {
    onBytes?.(chunk.length);
    const left = (error?: Error | null): void => (error ? undefined : used?.(chunk));
    if (!response.write(chunk, left)) await drained(response);
  }
  await end(response);
}

/** Reads and drops what is left of a request, so that its sender gets to read the answer; cuts it beyond `maxBytes`. */
export function discard(request: IncomingMessage, maxBytes: number): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  request.on('error', () => {});
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) request.destroy();
  });
}

/** Resolves when the client goes on taking bytes. */
function drained(response: ServerResponse): Promise<void> {
  return unlessGone(response, (resolve) => {
    response.once('drain', resolve);
    return () => response.off('drain', resolve);
  });
}

function end(response: ServerResponse, text?: string | Uint8Array): Promise<void> {
  return unlessGone(response, (resolve) => {
    response.end(text, resolve);
    return () => {};
  });
}

/** Waits for `start` to call back; rejects where the connection closes before that. */
function unlessGone(response: ServerResponse, start: (resolve: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed) return reject(GONE);
    const onClose = (): void => {
      stop();
      reject(GONE);
    };
    response.once('close', onClose);
    const stop = start(() => {
      response.off('close', onClose);
      resolve();
    });
  });
}

/** One for all: nobody reads where it came from. */
const GONE = new Error('the client is gone');
