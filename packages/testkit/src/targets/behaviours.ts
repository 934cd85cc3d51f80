import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { patternPieces } from '../pattern/pattern.js';
import { PatternChecker } from '../pattern/pattern-checker.js';
import type { Connection } from './connection.js';
import type { TcpTargetOptions } from './types.js';

/** Makes a fresh connection do what its target's options say. */
export function behave(options: TcpTargetOptions, connection: Connection): void {
  const { socket } = connection;
  switch (options.kind) {
    case 'echo':
      echo(connection);
      return;
    case 'greeter':
      socket.write(options.greeting);
      echo(connection);
      return;
    case 'source':
      connection.read();
      void source(connection, options.bytes, options.seed, options.end !== 'keep-open');
      return;
    case 'sink':
      sink(connection, options.seed, options.bytes, ({ bytes, sha256 }) => socket.end(`${bytes} ${sha256}\n`));
      return;
    case 'half-close-first':
      sink(connection, options.expectSeed, undefined, () => {});
      void source(connection, options.bytes ?? 0, options.seed ?? 0, true);
      return;
    case 'reset':
      void reset(connection, options.sendBytes ?? 0, options.afterBytes ?? 0, options.seed ?? 0);
      return;
    case 'silent':
      return;
    case 'manual':
      connection.read();
  }
}

function echo(connection: Connection): void {
  const { socket } = connection;
  connection.read((chunk) => {
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.once('end', () => socket.end());
}

function sink(
  connection: Connection,
  seed: number | undefined,
  bytes: number | undefined,
  answer: (result: { bytes: number; sha256: string }) => void,
): void {
  const checker = seed === undefined ? undefined : new PatternChecker(seed);
  const hash = createHash('sha256');
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    const result = { bytes: connection.bytesIn, sha256: hash.digest('hex') };
    connection.settle.resolve(result);
    answer(result);
  };
  connection.read((chunk) => {
    if (finished) return;
    try {
      checker?.push(chunk);
    } catch (error) {
      finished = true;
      connection.settle.reject(error as Error);
      connection.socket.resetAndDestroy();
      return;
    }
    hash.update(chunk);
    if (bytes !== undefined && connection.bytesIn >= bytes) finish();
  });
  connection.socket.once('end', finish);
}

async function source({ socket }: Connection, bytes: number, seed: number, halfClose: boolean): Promise<void> {
  if ((await send(socket, bytes, seed)) && halfClose) socket.end();
}

async function reset(connection: Connection, sendBytes: number, afterBytes: number, seed: number): Promise<void> {
  connection.read();
  if (!(await send(connection.socket, sendBytes, seed))) return;
  await connection.received(afterBytes).catch(() => {});
  connection.socket.resetAndDestroy();
}

/** Writes the pattern at the pace of the reader. True once all of it is with the system, false if the socket went. */
async function send(socket: Socket, bytes: number, seed: number): Promise<boolean> {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  try {
    for (const piece of patternPieces(bytes, seed)) {
      if (socket.destroyed) return false;
      if (!socket.write(piece)) await once(socket, 'drain', { signal: closed.signal });
    }
    return !socket.destroyed;
  } catch {
    return false;
  }
}
