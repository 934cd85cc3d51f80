import { once } from 'node:events';
import { connect } from 'node:net';
import { KEY, type TestNode } from './node.js';

export const MIB = 1024 * 1024;

/** A request that every node with the key answers. */
export const GOOD: string = JSON.stringify({ k: KEY, ops: [{ op: 'version' }] });

/** Sends bytes as they are and returns every byte that comes back until the node ends the connection. */
export async function raw(test: TestNode, bytes: string | Uint8Array): Promise<string> {
  const url = new URL(test.node.url);
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  const got: Buffer[] = [];
  socket.on('data', (chunk) => got.push(chunk));
  // What the node does not read any more it answers with a reset, after the page.
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(got).toString();
}

/** A request as it is on the wire. */
export const post = (body: string | Uint8Array, path = '/tunnel/batch', method = 'POST'): Buffer =>
  Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`),
    Buffer.from(body),
  ]);

/** The causes of all refusals so far. */
export const refusedCodes = (test: TestNode): string[] =>
  test.events.flatMap((event) => (event.event === 'refused' ? [event.code] : []));
