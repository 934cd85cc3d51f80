/** Applications of the tests: raw sockets that are read by count and heard by their end. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';
import { parseHostPort } from '@millrace/protocol';
import { endedByReset } from '../../src/proxy/reset-end.js';

/** A socket of an application. */
export interface Application {
  readonly socket: Socket;
  /** The next `bytes` bytes, exactly. Rejects when the socket ends before. */
  read(bytes: number): Promise<Buffer>;
  /** Text up to and including `mark`. */
  readUntil(mark: string): Promise<string>;
  /** All bytes until the peer's end; rejects with the error's code where it was reset. */
  readToEnd(): Promise<Buffer>;
  write(bytes: Uint8Array | string): void;
  /** Resolves with `end` for a clean end of the peer's side, else with the error's code. */
  readonly over: Promise<string>;
}

export async function connectTo(address: string): Promise<Application> {
  const { host, port } = parseHostPort(address);
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  let bytes = Buffer.alloc(0);
  let ending: string | undefined;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const over = new Promise<string>((resolve) => {
    const end = (how: string) => {
      ending ??= how;
      resolve(ending);
      wake();
    };
    socket.on('end', () => end(endedByReset(socket) ? 'ECONNRESET' : 'end'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('close', () => end('closed here'));
  });
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  await once(socket, 'connect');
  const change = () => new Promise<void>((resolve) => waiting.add(resolve));
  const take = (count: number) => {
    const taken = bytes.subarray(0, count);
    bytes = bytes.subarray(count);
    return taken;
  };
  return {
    socket,
    over,
    write: (data) => void socket.write(data),
    async read(count) {
      while (bytes.length < count) {
        if (ending !== undefined) throw new Error(`over (${ending}) after ${bytes.length} of ${count} bytes`);
        await change();
      }
      return take(count);
    },
    async readUntil(mark) {
      for (;;) {
        const at = bytes.indexOf(mark);
        if (at !== -1) return take(at + Buffer.byteLength(mark)).toString('latin1');
        if (ending !== undefined) throw new Error(`over (${ending}) after ${JSON.stringify(bytes.toString('latin1'))}`);
        await change();
      }
    },
    async readToEnd() {
      const how = await over;
      if (how !== 'end') throw new Error(how);
      return take(bytes.length);
    },
  };
}
