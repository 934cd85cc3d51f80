import type { Socket } from 'node:net';
import { patternView } from '@millrace/testkit';
import { nowMs } from '../process/clock.js';
import { openThrough } from './open-through.js';
import { encodeRequest } from './request.js';
import type { Way } from './transfer.js';

/** How echoes are asked for. */
export interface EchoOptions {
  way: Way;
  /** Number of the first transfer; one more for each stream. */
  firstId: number;
  count: number;
  bytes: number;
  /** One stream for all echoes, or a fresh one for each. */
  stream: 'one' | 'fresh';
  /** Longest wait for one echo. */
  timeoutMs: number;
}

/** Times of echoes in ms, in order, and what was wrong. */
export interface EchoReport {
  timesMs: number[];
  problems: string[];
}

/** Sends a few bytes, waits until the same bytes are back, again and again. */
export async function echo(options: EchoOptions): Promise<EchoReport> {
  const { firstId, count, stream } = options;
  const report: EchoReport = { timesMs: [], problems: [] };
  const streams = stream === 'one' ? 1 : count;
  for (let i = 0; i < streams; i++) {
    try {
      await echoOnStream(options, firstId + i, stream === 'one' ? count : 1, report);
    } catch (error) {
      report.problems.push(`echo ${i}: ${(error as Error).message}`);
    }
  }
  return report;
}

/** The time of a fresh stream counts from before it is opened; on one stream, from each write. */
async function echoOnStream(options: EchoOptions, id: number, count: number, report: EchoReport): Promise<void> {
  const { way, bytes, stream, timeoutMs } = options;
  const openedMs = nowMs();
  const socket = await openThrough(way.entry, way.host, way.port, timeoutMs);
  try {
    socket.write(encodeRequest({ verb: 'echo', id, seed: id, bytes: bytes * count }));
    for (let i = 0; i < count; i++) {
      const sent = Buffer.from(patternView(i * bytes, bytes, id));
      const startMs = stream === 'one' ? nowMs() : openedMs;
      socket.write(sent);
      const got = await readExactly(socket, bytes, timeoutMs);
      report.timesMs.push(nowMs() - startMs);
      if (!sent.equals(got)) throw new Error(`wrong bytes at offset ${i * bytes} of the echo`);
    }
    socket.end();
  } finally {
    socket.destroy();
  }
}

/** Opens a stream and echoes one byte of two on it, so that it is open at both ends and stays so. */
export async function openEcho(way: Way, id: number, timeoutMs: number): Promise<Socket> {
  const socket = await openThrough(way.entry, way.host, way.port, timeoutMs);
  socket.on('error', () => undefined);
  socket.write(encodeRequest({ verb: 'echo', id, seed: id, bytes: 2 }));
  const sent = Buffer.from(patternView(0, 1, id));
  socket.write(sent);
  try {
    if (!sent.equals(await readExactly(socket, 1, timeoutMs))) throw new Error('a wrong byte came back');
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // Reading goes on, so that a stream that is cut is seen.
  socket.resume();
  return socket;
}

function readExactly(socket: Socket, bytes: number, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const stop = (error?: Error): void => {
      clearTimeout(timer);
      socket.pause();
      socket.off('data', onData);
      socket.off('close', onClose);
      if (error) reject(error);
      else resolve(got);
    };
    const timer = setTimeout(() => stop(new Error(`no echo within ${timeoutMs} ms`)), timeoutMs);
    const onClose = (): void => stop(new Error('the stream was closed before the echo'));
    const onData = (chunk: Buffer): void => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= bytes) stop();
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.resume();
  });
}
