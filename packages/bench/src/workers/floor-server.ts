/**
 * Process: node or relay of the floor, a bare loop that exchanges bodies and does nothing else. Its node answers a
 * request with as many bytes as its `x-answer` header asks for; its relay hands both bodies on whole, as any relay has
 * to that may only answer when its node has.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { floorBody, type FloorEncoding } from '../check/floor-body.js';
import { serve } from '../process/worker.js';

async function readBody(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function listen(
  host: string,
  answer: (request: IncomingMessage, body: Buffer) => Buffer | Promise<Buffer>,
): Promise<string> {
  const server = createServer({ noDelay: true, keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    void (async () => {
      try {
        const body = await answer(request, await readBody(request));
        response.writeHead(200, { 'content-length': body.length, 'content-type': 'application/octet-stream' });
        response.end(body);
      } catch (error) {
        response.destroy(error as Error);
      }
    })();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

const verbs = {
  node: ({ host }: { host: string }): Promise<string> =>
    listen(host, (request) => {
      const { 'x-answer': bytes, 'x-encoding': encoding } = request.headers;
      return floorBody(Number(bytes), encoding as FloorEncoding);
    }),
  relay: ({ host, node }: { host: string; node: string }): Promise<string> => {
    const pool = new Pool(node, { connections: 64, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    return listen(host, async ({ headers }, body) => {
      const { 'x-answer': bytes, 'x-encoding': encoding } = headers;
      const answer = await pool.request({
        method: 'POST',
        path: '/',
        headers: { 'x-answer': bytes, 'x-encoding': encoding },
        body,
      });
      return readBody(answer.body);
    });
  },
};
export type FloorServerVerbs = typeof verbs;

serve(verbs);
