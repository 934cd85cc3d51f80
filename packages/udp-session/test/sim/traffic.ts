import { patternBytes } from '@millrace/testkit';

import type { SessionEvent } from '../../src/core/session-types.js';
import type { Pair } from './pair.js';

export interface FrameTraffic {
  frames: number;
  everyMs: number;
  bytes: number | ((index: number) => number);
  deadlineMs: number;
  fromMs?: number;
}

export interface FrameResult {
  delivered: number;
  /** Frames with any wrong byte, flag, pts, or delivered twice. */
  wrong: number;
  /** Time from submission to delivery of each delivered frame, ms. */
  latencies: number[];
}

/** Frames from host to client, every byte of each compared at the client, memory given back. */
export function sendFrames(pair: Pair, traffic: FrameTraffic): FrameResult {
  const { frames, everyMs, bytes, deadlineMs, fromMs = pair.now } = traffic;
  const result: FrameResult = { delivered: 0, wrong: 0, latencies: [] };
  const submitted = new Map<number, { pts: number; at: number; size: number }>();
  const delivered = new Set<number>();
  const before = pair.onEvent;
  pair.onEvent = (side, event) => {
    before?.(side, event);
    if (side !== 'client' || event.type !== 'frame') return;
    const sent = submitted.get(event.index);
    // What another call sends is checked there.
    if (sent === undefined) return;
    if (delivered.has(event.index) || !isRight(event, sent)) result.wrong++;
    else {
      result.delivered++;
      result.latencies.push(pair.now - sent.at);
    }
    delivered.add(event.index);
    event.release();
  };
  for (let i = 0; i < frames; i++) {
    pair.schedule(fromMs + i * everyMs, () => {
      const size = typeof bytes === 'number' ? bytes : bytes(i);
      const options = { deadlineMs, pts: i * 2 ** 33 + i, flags: i & 0xff };
      const index = pair.host.sealFrame(patternBytes(size, i), options, pair.now);
      submitted.set(index, { pts: i, at: pair.now, size });
    });
  }
  return result;
}

function isRight(event: SessionEvent & { type: 'frame' }, { pts, size }: { pts: number; size: number }): boolean {
  if (event.pts !== pts * 2 ** 33 + pts || event.flags !== (pts & 0xff) || event.data.length !== size) return false;
  return Buffer.compare(event.data, patternBytes(size, pts)) === 0;
}

/** The value below which this part of all lies. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}
