import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Tunnel } from '@millrace/client';
import { toDuplex } from '@millrace/client/node';

/** One piece of an upload. */
const PIECE_BYTES = 64 * 1024;

/** What moved, and in which time from the first to the last byte. */
export interface Moved {
  bytes: number;
  ms: number;
}

/** Fetches a page through the tunnel and counts at most `maxBytes` of it. */
export async function download(tunnel: Tunnel, url: string, maxBytes: number, signal: AbortSignal): Promise<Moved> {
  const { request, socket } = await open(tunnel, url, { method: 'GET' }, signal);
  try {
    return await new Promise((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        if ((response.statusCode ?? 500) >= 400) return reject(new Error(`${url} answered ${response.statusCode}`));
        const startMs = performance.now();
        let bytes = 0;
        const done = (): void => resolve({ bytes, ms: performance.now() - startMs });
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes >= maxBytes) done();
        });
        response.once('end', done);
        response.once('error', reject);
      });
      request.end();
    });
  } finally {
    socket.destroy();
  }
}

/** Posts `maxBytes` bytes through the tunnel; the time ends with the answer, so that nothing counts before it has arrived. */
export async function upload(tunnel: Tunnel, url: string, maxBytes: number, signal: AbortSignal): Promise<Moved> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': maxBytes };
  const { request, socket } = await open(tunnel, url, { method: 'POST', headers }, signal);
  try {
    const startMs = performance.now();
    const answered = new Promise<void>((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        response.resume();
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${url} answered ${response.statusCode}`));
        else resolve();
      });
    });
    const piece = Buffer.alloc(PIECE_BYTES, 'millrace ');
    let left = maxBytes;
    const send = (): void => {
      while (left > 0) {
        const bytes = Math.min(left, PIECE_BYTES);
        left -= bytes;
        if (!request.write(piece.subarray(0, bytes))) {
          request.once('drain', send);
          return;
        }
      }
      request.end();
    };
    send();
    await answered;
    return { bytes: maxBytes, ms: performance.now() - startMs };
  } finally {
    socket.destroy();
  }
}

async function open(tunnel: Tunnel, url: string, options: RequestOptions, signal: AbortSignal) {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const secure = protocol === 'https:';
  if (!secure && protocol !== 'http:') throw new Error(`${url}: only http: and https: can be measured`);
  const stream = await tunnel.connect({ host: hostname, port: Number(port) || (secure ? 443 : 80), signal });
  const plain = toDuplex(stream);
  const socket: Duplex = secure ? connectTls({ socket: plain, servername: hostname }) : plain;
  // The request tells what became of its socket.
  socket.on('error', () => undefined);
  const start = secure ? httpsRequest : httpRequest;
  const host = port === '' ? hostname : `${hostname}:${port}`;
  const request = start({
    ...options,
    headers: { host, ...(options.headers as Record<string, string | number>), connection: 'close' },
    path: `${pathname}${search}`,
    createConnection: () => socket,
    signal,
  });
  return { request, socket };
}
