import type { AbortLike, TunnelResponse } from '@millrace/protocol';
import { NodeError } from '../errors.js';
import type { Channel } from '../streams/channel.js';
import type { Entry } from '../streams/table.js';
import { TargetStream } from '../streams/target-stream.js';
import { BatchWait } from './batch-wait.js';
import { drainReply } from './drain.js';
import { DrainBudget } from './drain-budget.js';
import type { StreamLanes } from './lanes.js';
import type { Level1Options } from './level1.js';
import { runClose } from './op-close.js';
import { runData } from './op-data.js';
import { runOpen } from './op-open.js';
import { runUdpData } from './op-udp-data.js';
import { hasBytes, type Plan, type PlannedOp } from './plan.js';
import { errorReply, unknownSid, versionReply } from './replies.js';
import { settle } from './settle.js';
import { BatchTally } from './tally.js';

/** What a batch came to. */
export interface BatchOutcome {
  /** By position. */
  readonly replies: TunnelResponse[];
  /** To be called once: the answer has left (or the connection has taken all of it), or it was lost on the way out. */
  readonly finished: (delivered: boolean) => void;
}

/**
 * One run of one batch. Each op is a task of its own, so that none waits for another stream's; all of them wait through
 * {@link wait}. Ops without `seq` are drained together at the end, right before the answer is written; an op with `seq` is
 * drained in its turn.
 */
export class Batch {
  readonly options: Level1Options;
  readonly lanes: StreamLanes;
  readonly plan: Plan;
  readonly wait: BatchWait;
  readonly budget: DrainBudget;
  readonly tally: BatchTally;
  readonly #signal: AbortLike;
  readonly #replies: Array<TunnelResponse | undefined> = [];
  readonly #tasks: Array<Promise<void>> = [];
  /** Tasks by the stream that their ops name: a close runs after those before it. */
  readonly #tasksBySid = new Map<string, Array<Promise<void>>>();
  readonly #known = new Map<string, Entry>();
  readonly #releases: Array<() => void> = [];
  readonly #drainedAtEnd: Array<{ item: PlannedOp; entry: Entry; extra: TunnelResponse }> = [];
  readonly #opened: Entry[] = [];
  /** Streams of ops that wait for the turn of their `seq`. */
  readonly #awaitingTurn: TargetStream[] = [];
  #activePending = 0;
  #answered = 0;
  #pollOver = false;
  #toldHurry = false;

  constructor(options: Level1Options, lanes: StreamLanes, plan: Plan, signal: AbortLike) {
    this.options = options;
    this.lanes = lanes;
    this.plan = plan;
    this.wait = new BatchWait(options.clock);
    this.budget = new DrainBudget(options.limits.maxBatchDrainBytes);
    this.tally = new BatchTally(plan, options.clock.now());
    this.#signal = signal;
  }

  /** Nobody waits for the answer any more. */
  get aborted(): boolean {
    return this.#signal.aborted;
  }

  get signal(): AbortLike {
    return this.#signal;
  }

  /** Runs everything to its reply. */
  async run(): Promise<BatchOutcome> {
    const { clock, longPollMs, seqWaitMs } = this.options;
    this.#signal.addEventListener('abort', this.changed);
    // Half the wait for a turn, so that a poll never makes the op after it too late.
    const cancelPoll = clock.after(Math.min(longPollMs, seqWaitMs / 2), this.#endPoll);
    for (const { index, op } of this.plan.invalid)
      this.answer(index, errorReply(op, new NodeError('MESSAGE_INVALID', op.invalid)));
    for (const item of this.plan.ops) this.#start(item);

    if (this.plan.active) {
      await this.wait.until(() => this.#activePending === 0);
      await this.#settle();
    } else {
      await this.wait.until(() => this.inHurry());
    }
    await Promise.all(this.#tasks);
    cancelPoll();
    return this.#finish();
  }

  /** An op has its reply. */
  answer(index: number, reply: TunnelResponse): void {
    this.#replies[index] = reply;
    this.#answered++;
    this.changed();
  }

  /** An op is to be drained right before the answer is written. `extra` fields go with its reply. */
  drainAtEnd(item: PlannedOp, entry: Entry, extra: TunnelResponse = {}): void {
    this.#drainedAtEnd.push({ item, entry, extra });
  }

  /**
   * Runs an op. Those that write, open or close are waited for by the polls beside them.
   * What a task throws is its op's error.
   */
  task(item: PlannedOp, active: boolean, run: () => Promise<void>): void {
    if (active) this.#activePending++;
    const task = run()
      .catch((error: unknown) => this.answer(item.index, errorReply(item.op, error)))
      .finally(() => {
        if (active) this.#activePending--;
        this.changed();
      });
    this.#tasks.push(task);
    const { sid } = item.op;
    if (sid !== undefined) this.#tasksBySid.set(sid, [...(this.#tasksBySid.get(sid) ?? []), task]);
  }

  /** What is under way for a stream so far. */
  async tasksOf(sid: string): Promise<void> {
    await Promise.all(this.#tasksBySid.get(sid) ?? []);
  }

  /** The stream or flow that an op names; from then on this batch watches and uses it. @throws NodeError `QUEUE_FULL` */
  find(sid: string): Entry | undefined {
    const known = this.#known.get(sid);
    if (known !== undefined) return known;
    const entry = this.options.table.get(sid);
    if (entry !== undefined) this.#adopt(entry);
    return entry;
  }

  /** A stream or flow was opened: watch it, and end it should nobody come to know it. */
  opened(entry: Entry): void {
    this.#opened.push(entry);
    this.#adopt(entry);
  }

  /** Something that ops wait for may have changed. Also what the streams call. */
  readonly changed = (): void => {
    if (!this.#toldHurry && this.#awaitingTurn.length > 0 && this.inHurry()) {
      this.#toldHurry = true;
      for (const stream of this.#awaitingTurn) stream.watchers.wake();
    }
    this.wait.wake();
  };

  /**
   * Nothing but idle polls, here or in front of them, holds up the answer: those before them should give way. For a batch of
   * polls: one of them has something, or the time is over.
   */
  inHurry(): boolean {
    if (this.aborted) return true;
    if (this.plan.active) return this.#activePending === 0;
    return (
      this.plan.ops.length === 0 ||
      this.#pollOver ||
      this.#answered > 0 ||
      this.#drainedAtEnd.some(({ entry }) => entry.channel.readable)
    );
  }

  /** Waits until the op has the turn of its `seq`, or the stream is closed; false when that took too long. */
  async awaitTurn(stream: TargetStream, seq: number): Promise<boolean> {
    const lane = this.lanes.of(stream).seq;
    this.#awaitingTurn.push(stream);
    this.#toldHurry = false;
    // The op that has the turn now may have to give way to this one.
    stream.watchers.wake();
    this.changed();
    await this.wait.until(() => lane.hasTurn(seq) || stream.closed, this.options.seqWaitMs);
    this.#awaitingTurn.splice(this.#awaitingTurn.indexOf(stream), 1);
    return lane.hasTurn(seq);
  }

  /** What ops without `seq` have written is answered by more than the first piece, and by more than one target. */
  async #settle(): Promise<void> {
    const wrote = ({ item }: { item: PlannedOp }): boolean => item.op.op === 'connect_data' || hasBytes(item.op);
    if (!this.#drainedAtEnd.some((drain) => wrote(drain) && drain.entry.channel.readable)) return;
    await settle(
      this,
      this.#drainedAtEnd.map(({ entry }) => entry.channel),
      () => this.aborted,
    );
  }

  #start(item: PlannedOp): void {
    const { index, op } = item;
    if (item.closedBefore) return this.answer(index, unknownSid(op));
    try {
      switch (op.op) {
        case 'connect':
        case 'connect_data':
        case 'udp_open':
          return runOpen(this, item);
        case 'data':
          return runData(this, item);
        case 'udp_data':
          return runUdpData(this, item);
        case 'close':
          return runClose(this, item);
        case 'version':
          return this.answer(index, versionReply(this.options.nodeId));
        default:
          throw new NodeError('UNSUPPORTED_OP', 'the node does not know this op');
      }
    } catch (error) {
      this.answer(index, errorReply(op, error));
    }
  }

  #adopt(entry: Entry): void {
    this.#releases.push(entry.channel.watchers.add(this.changed), this.options.table.use(entry));
    this.#known.set(entry.key, entry);
  }

  readonly #endPoll = (): void => {
    this.#pollOver = true;
    this.changed();
  };

  /** No step from here to the answer being written waits for anything. */
  #finish(): BatchOutcome {
    // In the order of the ops: two of the same stream share its bytes in order.
    for (const { item, entry, extra } of this.#drainedAtEnd.toSorted((a, b) => a.item.index - b.item.index)) {
      this.#replies[item.index] = { ...drainReply(this, entry, item.op), ...extra };
    }
    for (const release of this.#releases) release();
    this.#signal.removeEventListener('abort', this.changed);
    const { clock, events } = this.options;
    events.emit(this.tally.event(this.budget.taken, clock.now()));
    return { replies: this.#replies as TunnelResponse[], finished: (delivered) => this.#finished(delivered) };
  }

  #finished(delivered: boolean): void {
    const { pool, table } = this.options;
    pool.give(this.budget.taken);
    if (delivered) return;
    for (const entry of this.#opened) table.cut(entry, 'ABORTED');
    // Bytes that were lost with the answer leave a hole, and a stream with a hole must not go on.
    for (const channel of this.tally.drained) breakStream(channel);
  }
}

function breakStream(channel: Channel): void {
  if (channel instanceof TargetStream && !channel.closed) {
    channel.break(new NodeError('RELAY_TRUNCATED', 'an answer with bytes of this stream was lost on its way'));
  }
}
