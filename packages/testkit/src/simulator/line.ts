import type { Readable } from 'node:stream';
import { Delays, type DelayDraw } from './delay.js';
import { Pacer } from './pacer.js';
import type { LinkOptions } from './types.js';

/** One direction of a leg, with what it carried. */
export class Line {
  readonly delays: Delays;
  readonly pacer: Pacer;
  /** Bytes that came out of it. */
  bytes = 0;

  constructor({ delayMs, rateMbps }: Required<LinkOptions>, slowFactor = 1) {
    this.delays = new Delays(delayMs, slowFactor);
    this.pacer = new Pacer(rateMbps / slowFactor);
  }
}

/** The way of one message over a line. */
export interface Passage {
  readonly line: Line;
  readonly draw: DelayDraw;
  /** Size of the head, which takes its turn like the body. */
  readonly headBytes: number;
}

/** A body that was read, and when all of it has come through the line. */
export interface Received {
  readonly body: Buffer;
  readonly dueMs: number;
}

/**
 * Reads a body at the pace of a line. `take` is told of each chunk, before it is kept, and may throw. Rejects where the
 * body is cut, or with what `take` threw; then the rest is read and thrown away.
 */
export function receive(source: Readable, passage: Passage, take: (bytes: number) => void): Promise<Received> {
  const { line, draw, headBytes } = passage;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let withdraw = (): void => undefined;
    let sentMs = line.pacer.send(headBytes, performance.now());
    line.bytes += headBytes;
    const onData = (chunk: Buffer): void => {
      try {
        take(chunk.length);
      } catch (error) {
        source.off('data', onData);
        source.resume();
        reject(error);
        return;
      }
      chunks.push(chunk);
      line.bytes += chunk.length;
      if (!line.pacer.limited) return;
      sentMs = line.pacer.send(chunk.length, performance.now());
      if (line.pacer.isFree) return;
      source.pause();
      withdraw = line.pacer.whenRoom(() => source.resume());
    };
    source.on('data', onData);
    source.once('end', () => {
      const arrivedMs = Math.max(sentMs, performance.now());
      resolve({ body: Buffer.concat(chunks), dueMs: arrivedMs + line.delays.delayMs(arrivedMs, draw) });
    });
    source.on('error', reject);
    source.once('close', () => {
      withdraw();
      reject(new Error('the body was cut'));
    });
  });
}

/**
 * Sends a body over a line: `deliver` gets it piece by piece as it comes out, the head with the first; the last may be
 * empty. Resolves after the last, and rejects when the signal is aborted.
 */
export function send(
  body: Buffer,
  passage: Passage,
  deliver: (piece: Buffer, last: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const { line, draw, headBytes } = passage;
  return new Promise((resolve, reject) => {
    const onTheWay: Array<{ dueMs: number; from: number; to: number; bytes: number }> = [];
    let given = 0;
    let begun = false;
    let delayMs = 0;
    let timer: NodeJS.Timeout | undefined;
    let withdraw = (): void => undefined;
    const take = (): void => {
      do {
        const nowMs = performance.now();
        const to = Math.min(body.length, given + line.pacer.pieceBytes);
        const bytes = to - given + (begun ? 0 : headBytes);
        const sentMs = line.pacer.send(bytes, nowMs);
        if (!begun) delayMs = line.delays.delayMs(sentMs, draw);
        begun = true;
        onTheWay.push({ dueMs: sentMs + delayMs, from: given, to, bytes });
        given = to;
      } while (given < body.length && line.pacer.isFree);
      if (given < body.length) withdraw = line.pacer.whenRoom(take);
      clearTimeout(timer);
      bring();
    };
    const bring = (): void => {
      const nowMs = performance.now();
      for (let head = onTheWay[0]; head && head.dueMs <= nowMs; head = onTheWay[0]) {
        onTheWay.shift();
        line.bytes += head.bytes;
        deliver(body.subarray(head.from, head.to), head.to === body.length);
        if (head.to === body.length) {
          signal.removeEventListener('abort', onAbort);
          resolve();
          return;
        }
      }
      if (onTheWay[0]) timer = setTimeout(bring, Math.max(0, onTheWay[0].dueMs - nowMs));
    };
    const onAbort = (): void => {
      clearTimeout(timer);
      withdraw();
      reject(signal.reason as Error);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    if (line.pacer.isFree) take();
    else withdraw = line.pacer.whenRoom(take);
  });
}

/** Resolves at a time, as `performance.now()` tells it; at once when it is over. Rejects when the signal is aborted. */
export function until(dueMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const waitMs = dueMs - performance.now();
    if (signal.aborted) return reject(signal.reason as Error);
    if (waitMs <= 0) return resolve();
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, waitMs);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
