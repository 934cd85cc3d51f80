import { connect, type Socket } from 'node:net';
import { ReadMemory } from '@millrace/protocol';

/** How an application enters the tunnel: a SOCKS5 proxy, or a port that leads to the target by itself. */
export interface Entry {
  kind: 'socks5' | 'forward';
  host: string;
  port: number;
}

/** What applications read into; sinks give back what they have compared. */
export const readMemory = new ReadMemory({ allocate: (bytes) => Buffer.allocUnsafeSlow(bytes), leastBytes: 16_384 });

/** Longest answer of a SOCKS5 proxy to a connect: a name of 255 bytes. */
const MAX_REPLY_BYTES = 262;

/**
 * Opens a connection to `host:port` by way of `entry` (RFC 1928, no authentication). Rejects with `SOCKS5 reply N`
 * when the proxy says no, and after `timeoutMs` or when `signal` is aborted.
 */
export function openThrough(
  entry: Entry,
  host: string,
  port: number,
  timeoutMs = 30_000,
  signal?: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onread = readMemory.onread(() => socket);
    const socket = connect({ host: entry.host, port: entry.port, noDelay: true, allowHalfOpen: true, onread });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`opening a stream took longer than ${timeoutMs} ms`)), timeoutMs);
    signal?.addEventListener('abort', () => fail(new Error('no longer wanted')), { once: true });
    const closed = (): void => fail(new Error('the proxy closed the connection'));
    const done = (): void => {
      clearTimeout(timer);
      socket.off('close', closed);
      socket.off('error', fail);
      socket.pause();
      resolve(socket);
    };
    socket.once('error', fail);
    socket.once('close', closed);
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      if (entry.kind === 'forward') return done();
      const name = Buffer.from(host);
      const target = Buffer.from([5, 1, 0, 3, name.length, ...name, port >> 8, port & 255]);
      socket.write(Buffer.from([5, 1, 0]));
      let head = Buffer.alloc(0);
      let greeted = false;
      const onData = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        if (!greeted && head.length >= 2) {
          if (head[0] !== 5 || head[1] !== 0) return fail(new Error(`SOCKS5 greeting ${head[0]}, ${head[1]}`));
          greeted = true;
          head = head.subarray(2);
          socket.write(target);
        }
        const needed = replyBytes(head);
        if (!greeted || needed === undefined || head.length < needed) return;
        socket.off('data', onData);
        if (head[1] !== 0) return fail(new Error(`SOCKS5 reply ${head[1]}`));
        const rest = head.subarray(needed);
        done();
        if (rest.length > 0) socket.unshift(rest);
      };
      socket.on('data', onData);
    });
  });
}

/** Length of the reply that begins with `head`, once that can be told. */
function replyBytes(head: Buffer): number | undefined {
  if (head.length < 5) return undefined;
  if (head[3] === 1) return 10;
  if (head[3] === 4) return 22;
  return Math.min(MAX_REPLY_BYTES, 7 + (head[4] ?? 0));
}
