import { createGunzip } from 'node:zlib';
import { LIMITS } from '@millrace/protocol';
import { NodeError } from '../../errors.js';
import type { Claim } from './request-budget.js';

/** Size of the pieces in which zlib hands out: each is counted before the next is made. */
const PIECE_BYTES = 65_536;

/**
 * Unzips a body piece by piece, and stops at the first that goes over a bound: of size, of the ratio to the zipped body, or
 * of all requests together.
 * @throws NodeError `BODY_TOO_LARGE`, `BODY_BAD_GZIP`, `BODY_TRUNCATED`, `NODE_BUSY`.
 */
export async function unzip(body: Buffer, claim: Claim): Promise<Buffer> {
  const maxByRatio = body.length * LIMITS.maxGzipRatio;
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  gunzip.end(body);
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of gunzip as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > LIMITS.maxBodyBytes)
        throw new NodeError('BODY_TOO_LARGE', `the body unzips to more than ${LIMITS.maxBodyBytes} bytes`);
      if (length > maxByRatio)
        throw new NodeError('BODY_BAD_GZIP', `the body unzips to more than ${LIMITS.maxGzipRatio} times its size`);
      claim.add(piece.length);
      pieces.push(piece);
    }
  } catch (error) {
    throw error instanceof NodeError ? error : gzipError(error as Error);
  } finally {
    gunzip.destroy();
  }
  return Buffer.concat(pieces, length);
}

function gzipError(error: Error): NodeError {
  // zlib's name for "the input ended early".
  const cut = 'code' in error && error.code === 'Z_BUF_ERROR';
  return new NodeError(cut ? 'BODY_TRUNCATED' : 'BODY_BAD_GZIP', `the body does not unzip: ${error.message}`, {
    cause: error,
  });
}
