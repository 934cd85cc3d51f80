import type { Readable } from 'node:stream';

/**
 * All bytes of a stream up to its end; rejects where it is cut. Unlike `for await`, it leaves the stream as it is: the
 * writable side of a socket stays open.
 */
export function readAll(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the stream was cut')));
  });
}
