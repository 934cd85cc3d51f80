import type { IncomingMessage } from 'node:http';
import { NodeError } from '../../errors.js';
import type { Claim } from './request-budget.js';

/**
 * Reads a request's body. With `keep` false it reads and counts all the same, and keeps nothing: a request that will be
 * refused costs no memory and cannot be told from one that is read.
 * @throws NodeError `BODY_TOO_LARGE` (before reading, where `content-length` says so), `NODE_BUSY`, `ABORTED` when the client went away.
 */
export function readBody(request: IncomingMessage, maxBytes: number, claim: Claim, keep: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
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
        claim.add(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error as NodeError);
      }
    };
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return tooLarge();
    request.on('data', onData);
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      // These listeners live as long as the request, which may be held for minutes.
      chunks.length = 0;
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
