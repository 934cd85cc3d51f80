import type { IncomingMessage } from 'node:http';
import { freeMemory } from '@millrace/protocol';
import { NodeError } from '../../errors.js';
import type { Claim } from './request-budget.js';

/** How to read a body. */
export interface ReadBodyOptions {
  maxBytes: number;
  claim: Claim;
  /** False: it is read and counted all the same, and nothing is kept. */
  keep: boolean;
  /**
   * Memory for all `bytes` that the head of a body announces, where the body begins like that of somebody who has the key.
   * Then what comes is freed as soon as it was copied there.
   */
  memory: (start: Buffer, bytes: number) => Buffer | undefined;
}

/**
 * Reads a request's body. A request that will be refused costs no memory, where that is known from its head, and cannot be
 * told from one that is read.
 * @throws NodeError `BODY_TOO_LARGE` (before reading, where `content-length` says so), `NODE_BUSY`, `ABORTED` when the client went away.
 */
export function readBody(request: IncomingMessage, options: ReadBodyOptions): Promise<Buffer> {
  const { maxBytes, claim, keep, memory } = options;
  const announced = Number(request.headers['content-length'] ?? 0);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let whole: Buffer | undefined;
    let length = 0;
    let settled = false;
    const fail = (error: NodeError): void => {
      settled = true;
      request.off('data', onData);
      reject(error);
    };
    const tooLarge = (): void => fail(new NodeError('BODY_TOO_LARGE', `the body has more than ${maxBytes} bytes`));
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) return tooLarge();
      if (!keep) return;
      try {
        if (length === chunk.length && announced > length) whole = memory(chunk, announced);
        if (whole === undefined) claim.add(chunk.length);
        else if (length === chunk.length) claim.add(announced);
        if (whole === undefined) chunks.push(chunk);
        else {
          chunk.copy(whole, length - chunk.length);
          freeMemory(chunk);
        }
      } catch (error) {
        fail(error as NodeError);
      }
    };
    if (announced > maxBytes) return tooLarge();
    request.on('data', onData);
    request.on('end', () => {
      const body = whole ?? Buffer.concat(chunks);
      for (const chunk of chunks) freeMemory(chunk);
      // These listeners live as long as the request, which may be held for minutes.
      chunks.length = 0;
      whole = undefined;
      settled = true;
      resolve(body);
    });
    const onGone = (): void => {
      if (!settled) fail(new NodeError('ABORTED', 'the request ended early'));
    };
    request.on('error', onGone);
    request.on('close', onGone);
  });
}
