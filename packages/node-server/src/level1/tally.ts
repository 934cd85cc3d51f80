import type { BatchEvent } from '@millrace/protocol';
import type { Channel } from '../streams/channel.js';
import type { Plan } from './plan.js';

/** Names that events and metrics tell apart. Whatever else a client sends is one more, so that it cannot make up names. */
const KNOWN_OPS = new Set(['connect', 'connect_data', 'data', 'udp_open', 'udp_data', 'close', 'version']);

/** Counts what a batch does, for its event. */
export class BatchTally {
  /** Streams and flows from which bytes were taken. */
  readonly drained = new Set<Channel>();
  /** Payload bytes accepted towards targets. */
  bytesUp = 0;
  readonly #plan: Plan;
  readonly #startedAt: number;

  constructor(plan: Plan, startedAt: number) {
    this.#plan = plan;
    this.#startedAt = startedAt;
  }

  /** What is told of the batch. */
  event(bytesDown: number, now: number): BatchEvent {
    const counts = new Map<string, number>();
    const count = (op: string): unknown => counts.set(op, (counts.get(op) ?? 0) + 1);
    for (const { op } of this.#plan.ops) count(KNOWN_OPS.has(op.op) ? op.op : 'unknown');
    for (const _ of this.#plan.invalid) count('invalid');
    return {
      event: 'batch',
      ops: this.#plan.ops.length + this.#plan.invalid.length,
      kinds: [...counts].map(([op, count]) => ({ op, count })),
      bytesUp: this.bytesUp,
      bytesDown,
      ms: now - this.#startedAt,
    };
  }
}
