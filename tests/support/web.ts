/** An HTTP server of the tests that serves and takes the byte pattern. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type LocalServer, PatternChecker, listenLocally, patternStream } from '@millrace/testkit';

export interface Web extends LocalServer {
  readonly port: number;
}

/**
 * `GET /down/BYTES/SEED` sends the pattern; `PUT /up/SEED` checks it and answers `BYTES SHA256`; `GET /until-end/BYTES/SEED` sends
 * the pattern without a length, up to the end of the connection.
 */
export async function startWeb(): Promise<Web> {
  const server = await listenLocally((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  return Object.assign(server, { port: Number(new URL(server.origin).port) });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, what, first, second] = (request.url ?? '').split('/');
  if (what === 'up') {
    const hash = createHash('sha256');
    const checker = new PatternChecker(Number(first));
    for await (const chunk of request) {
      checker.push(chunk as Buffer);
      hash.update(chunk as Buffer);
    }
    response.end(`${checker.bytes} ${hash.digest('hex')}`);
    return;
  }
  const bytes = Number(first);
  if (what === 'until-end') response.useChunkedEncodingByDefault = false;
  else response.setHeader('Content-Length', bytes);
  await pipeline(patternStream(bytes, Number(second)), response);
}
