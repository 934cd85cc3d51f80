import { once } from 'node:events';
import type { Socket } from 'node:net';
import { nowMs } from '../process/clock.js';
import { CheckedSink, type SinkReport } from './checked-sink.js';
import { openThrough, readMemory, type Entry } from './open-through.js';
import { encodeRequest, TOKEN_BYTES, type TransferRequest } from './request.js';
import { writePattern, type SourceReport } from './source.js';

/** Longest time without any byte on a stream. Beyond it the stream is given up: what is lost never comes. */
const STALL_TIMEOUT_MS = 60_000;

/** Where a transfer goes, and by which way. */
export interface Way {
  entry: Entry;
  host: string;
  port: number;
}

/** What the application saw of one transfer. */
export interface TransferReport {
  id: number;
  /** Before the connection to the tunnel was opened. */
  startMs: number;
  /** When the first byte of the target's arrived. */
  firstByteMs?: number;
  /** When the last byte was confirmed: a download's last byte compared, an upload's token here. */
  endMs: number;
  source?: SourceReport;
  sink?: SinkReport;
  /** Upload: the confirmation, in hex, and when it was complete. */
  token?: string;
  problem?: string;
}

/** One stream, from opening to the end of both sides, every byte compared. Never rejects: what failed is a problem. */
export async function transfer(way: Way, request: TransferRequest): Promise<TransferReport> {
  const report: TransferReport = { id: request.id, startMs: nowMs(), endMs: 0 };
  try {
    const socket = await openThrough(way.entry, way.host, way.port);
    socket.once('error', (error) => {
      report.problem = error.message;
    });
    socket.setTimeout(STALL_TIMEOUT_MS, () => socket.destroy(new Error(`no byte moved for ${STALL_TIMEOUT_MS} ms`)));
    try {
      await run(socket, request, report);
      await ended(socket);
    } finally {
      socket.destroy();
    }
  } catch (error) {
    report.problem ??= (error as Error).message;
    report.endMs ||= nowMs();
  }
  return report;
}

async function run(socket: Socket, request: TransferRequest, report: TransferReport): Promise<void> {
  const { verb, seed, bytes } = request;
  socket.write(encodeRequest(request));
  if (verb === 'download') {
    report.sink = await take(socket, new CheckedSink(seed, bytes), report);
    report.endMs = report.sink.lastMs;
    socket.end();
  } else if (verb === 'upload') {
    const confirmed = readToken(socket, report);
    // When writing fails, that is what is told, and nobody waits for the confirmation any more.
    confirmed.catch(() => undefined);
    report.source = await writePattern(socket, seed, bytes);
    report.token = await confirmed;
    report.endMs = nowMs();
    socket.end();
  } else if (verb === 'end-first') {
    report.sink = await take(socket, new CheckedSink(seed, bytes), report);
    report.source = await writePattern(socket, seed + 1, bytes);
    socket.end();
    report.endMs = nowMs();
  } else {
    const taken = take(socket, new CheckedSink(seed, bytes), report);
    report.source = await writePattern(socket, seed + 1, bytes);
    socket.end();
    report.sink = await taken;
    report.endMs = nowMs();
  }
}

/** Reads to the end of the target's side. */
function take(socket: Socket, sink: CheckedSink, report: TransferReport): Promise<SinkReport> {
  return new Promise((resolve) => {
    socket.once('end', () => resolve(sink.end()));
    socket.once('close', () => resolve(sink.end()));
    socket.on('data', (chunk: Buffer) => {
      report.firstByteMs ??= nowMs();
      sink.push(chunk);
      readMemory.give(chunk);
      // Nothing after a wrong byte means anything; waiting for the rest could take for ever.
      if (sink.wrong) socket.resetAndDestroy();
    });
    socket.resume();
  });
}

function readToken(socket: Socket, report: TransferReport): Promise<string> {
  return new Promise((resolve, reject) => {
    let token = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      report.firstByteMs ??= nowMs();
      token = Buffer.concat([token, chunk]);
      if (token.length >= TOKEN_BYTES) resolve(token.toString('hex'));
    });
    socket.resume();
    const early = (): void => reject(new Error('the stream was closed before the upload was confirmed'));
    socket.once('end', early);
    socket.once('close', early);
  });
}

/** Resolves when the target's side has ended too: a reset after the last byte is not a clean end. */
async function ended(socket: Socket): Promise<void> {
  if (socket.readableEnded) return;
  if (socket.closed) throw new Error('the stream was cut instead of ended');
  socket.resume();
  await Promise.race([once(socket, 'end'), closedCleanly(socket)]);
}

async function closedCleanly(socket: Socket): Promise<void> {
  await once(socket, 'close');
  if (!socket.readableEnded) throw new Error('the stream was cut instead of ended');
}
