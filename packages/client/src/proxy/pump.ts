import { dropView } from '@millrace/protocol/level2';
import { giveAway } from '../tunnel/given-away.js';
import { endsOf, type StreamEnds } from '../tunnel/stream-ends.js';
import type { TunnelStream } from '../tunnel/types.js';
import { uploadMemory } from './adopt.js';
import { HalfClosedWatch } from './half-closed-watch.js';
import type { Inlet } from './inlet.js';
import { PROXY_LIMITS } from './limits.js';
import { reset } from './reset.js';

/**
 * Carries bytes between an application's socket and a stream until both directions have ended.
 *
 * Each direction waits for its slower side, and ends on its own: the end of one side is handed on as a half-close. What
 * was cut is never ended cleanly: a stream that fails resets the socket, a socket that fails resets the stream.
 *
 * @param halfClosedIdleMs how long the target may stay silent once the application has ended its side; then both are
 *   reset.
 * @returns when nothing is left to carry; never rejects.
 */
export async function pump(inlet: Inlet, stream: TunnelStream, halfClosedIdleMs: number): Promise<void> {
  const watch = new HalfClosedWatch(inlet.socket, halfClosedIdleMs, () => stream.reset('STREAM_CLOSED'));
  const ends = endsOf(stream);
  const up = pumpUp(inlet, ends, watch);
  const down = pumpDown(inlet, ends, watch);
  await tied(inlet, stream, [up, down]);
}

/**
 * Carries bytes from the stream only, until its target ends, `lengthBytes` have come, or the application leaves. What the application
 * still sends is thrown away.
 */
export async function pumpAnswer(inlet: Inlet, stream: TunnelStream, lengthBytes = Infinity): Promise<void> {
  const ends = endsOf(stream);
  let left = lengthBytes;
  const read = async (): Promise<Uint8Array | undefined> => {
    const value = left > 0 ? await ends.read() : undefined;
    left -= value?.length ?? 0;
    return value;
  };
  const down = pumpDown(inlet, { read });
  inlet.discard();
  const leaves = inlet.read().then(ignore, ignore);
  await tied(inlet, stream, [Promise.race([down, leaves])]);
  stream.reset('STREAM_CLOSED');
  await down;
}

async function tied(inlet: Inlet, stream: TunnelStream, directions: Promise<void>[]): Promise<void> {
  const reset = () => stream.reset('ABORTED');
  inlet.gone.addEventListener('abort', reset);
  if (inlet.gone.aborted) reset();
  await Promise.all(directions);
  inlet.gone.removeEventListener('abort', reset);
}

async function pumpUp(inlet: Inlet, ends: StreamEnds, watch: HalfClosedWatch): Promise<void> {
  const { socket } = inlet;
  try {
    for (;;) {
      const chunk = await inlet.read();
      if (!chunk) break;
      // Each read of a socket has memory of its own.
      await ends.write(giveAway(chunk, uploadMemory.give));
    }
    watch.start();
    await ends.end();
  } catch {
    // The target takes no more bytes (or the application is gone). It may still be sending: once that is over and
    // handed on, the application is told by a reset, as a kernel would tell it.
    inlet.discard();
    if (socket.writableFinished) socket.resetAndDestroy();
    else socket.once('finish', () => socket.resetAndDestroy());
  }
}

async function pumpDown({ socket }: Inlet, ends: Pick<StreamEnds, 'read'>, watch?: HalfClosedWatch): Promise<void> {
  let wake: (() => void) | undefined;
  const onWake = () => wake?.();
  let corked = false;
  const uncork = () => {
    if (corked) socket.uncork();
    corked = false;
  };
  socket.on('drain', onWake);
  socket.on('close', onWake);
  try {
    for (;;) {
      const value = await ends.read();
      if (value === undefined) break;
      watch?.heard();
      if (!corked) {
        // What is at hand goes out together, once nothing more is.
        corked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      socket.write(value, (error) => (error ? undefined : dropView(value)));
      if (socket.writableLength < PROXY_LIMITS.maxWriteBytes || socket.destroyed) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    socket.end();
  } catch {
    uncork();
    reset(socket);
  } finally {
    watch?.stop();
    socket.off('drain', onWake);
    socket.off('close', onWake);
  }
}

function ignore(): void {}
