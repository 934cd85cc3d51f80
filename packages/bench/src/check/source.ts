import type { Socket } from 'node:net';
import { patternView } from '@millrace/testkit';
import { nowMs } from '../process/clock.js';
import { TimelineRecorder, type Timeline } from './timeline.js';

/** Bytes handed to the socket at once. */
const CHUNK_BYTES = 128 * 1024;

/** What a source sent. */
export interface SourceReport {
  seed: number;
  bytes: number;
  startMs: number;
  /** When the last byte had been given to the kernel. */
  endMs: number;
  timeline: Timeline;
}

/** Writes `bytes` bytes of the pattern of `seed`, as fast as the socket takes them. Rejects when the socket breaks. */
export async function writePattern(socket: Socket, seed: number, bytes: number): Promise<SourceReport> {
  const sent = new TimelineRecorder('sent');
  const startMs = nowMs();
  for (let position = 0; position < bytes;) {
    const chunk = patternView(position, Math.min(CHUNK_BYTES, bytes - position), seed);
    position += chunk.length;
    sent.add(nowMs(), position);
    await written(socket, chunk);
  }
  return { seed, bytes, startMs, endMs: nowMs(), timeline: sent.timeline };
}

/** Resolves when the kernel has the chunk, so that a source never runs ahead of its socket. */
function written(socket: Socket, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // A socket that is destroyed before calls back late or, on some paths, never; `close` always comes.
    const closed = (): void => reject(new Error('the connection was closed before all was sent'));
    if (socket.destroyed) return closed();
    socket.once('close', closed);
    socket.write(chunk, (error) => {
      socket.off('close', closed);
      if (error) reject(error);
      else resolve();
    });
  });
}
