import type { Channel } from '../streams/channel.js';
import { TargetStream } from '../streams/target-stream.js';
import type { Batch } from './batch.js';

/**
 * Waits for stragglers: as long as each step brings something more, for a bounded time. A round trip through a relay costs
 * far more than these steps, so what is about to come had better travel along. Ends at once when nothing more fits in.
 */
export async function settle(batch: Batch, channels: readonly Channel[], giveWay: () => boolean): Promise<void> {
  const { clock, settleStepMs, settleMaxMs } = batch.options;
  if (!channels.some(({ readable }) => readable)) return;
  const deadline = clock.now() + settleMaxMs;
  const over = (): boolean => giveWay() || isFull(batch, channels);
  for (let seen = progress(channels); ;) {
    const left = deadline - clock.now();
    if (left <= 0 || (await batch.wait.until(over, Math.min(settleStepMs, left)))) return;
    const now = progress(channels);
    if (now === seen) return;
    seen = now;
  }
}

/** Grows with everything that comes in. */
function progress(channels: readonly Channel[]): number {
  return channels.reduce((sum, channel) => sum + channel.bytesDown + (isOver(channel) ? 1 : 0), 0);
}

function isFull(batch: Batch, channels: readonly Channel[]): boolean {
  let held = 0;
  let waitsForMore = false;
  for (const channel of channels) {
    if (!isOver(channel)) waitsForMore = true;
    if (channel instanceof TargetStream) held += channel.buffered;
  }
  return !waitsForMore || held >= batch.budget.left;
}

/** Nothing more comes from it before it is drained. */
const isOver = (channel: Channel): boolean => channel.closed || (channel instanceof TargetStream && channel.full);
