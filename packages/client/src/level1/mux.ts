/**
 * Brings the ops of all streams into batches.
 *
 * Whoever has something to send says so, with the group whose ops may share its batch; what exactly is sent is asked of it
 * when a relay has room, so that it is as much and as fresh as can be. Grouping follows from one fact of level 1: a batch is
 * answered as a whole. Ops that may take long for reasons of their own - opens, ops that wait for the turn of their `seq`,
 * bulk transfers - would hold the answers of the others, and so they travel by themselves.
 */
import { LIMITS, type BatchOp, type TunnelResponse } from '@millrace/protocol';
import type { CarrierFailure, CarrierStep } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import type { Lease, RelayPool } from '../carriers/relay-pool.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { Timer } from '../tunnel/clock.js';
import { runBatch, type ClientHello } from './batch.js';
import { HeldPolls } from './held-polls.js';
import { isPolls, isSpread, Places, type Lane } from './lanes.js';
import { UploadBound } from './upload-bound.js';

/** Which ops may share a batch. */
export interface Grouping {
  readonly lane: Lane;
  /** Ops with different keys never share a batch. */
  readonly key: string;
  /** How long for company: not at all, while others are busy (default), or always a little. */
  readonly wait?: 'none' | 'busy' | 'always';
  /** A relay to use only if no other is there. */
  readonly avoid?: Relay | undefined;
  /** Needs no place of its lane: it frees more than it takes. */
  readonly gathers?: boolean;
}

/** Something that has ops to send. */
export interface OpSource {
  /** Whether its ops may go over this relay. */
  accepts(relay: Relay): boolean;
  /** Called when a batch is made up: what to send, at most `room` bytes of payload unless the batch is empty. */
  build(batch: Batch, room: number): PlannedOp[];
  /** Polls once more beside polls that are held, which then give way. Returns whether it does. */
  pollAgain?(): boolean;
}

/** An op on its way. Exactly one of `done` and `failed` is called. */
export interface PlannedOp {
  readonly op: BatchOp;
  /** Payload in it. */
  readonly bytes: number;
  /** The batch is made up and leaves now. */
  readonly sent?: () => void;
  readonly onStep?: (step: CarrierStep, atMs: number) => void;
  readonly done: (reply: TunnelResponse) => void;
  readonly failed: (failure: CarrierFailure) => void;
}

/** A batch being made up. */
export interface Batch {
  /** Counts batches. */
  readonly id: number;
  readonly relay: Relay;
  readonly empty: boolean;
}

/** What the mux is told of the tunnel. */
export interface MuxOptions {
  readonly pool: RelayPool;
  readonly batchWaitMs: number;
  readonly exchangeTimeoutMs: number;
  /** Goes with batches that open something. */
  readonly hello?: ClientHello | undefined;
}

interface Group {
  readonly grouping: Grouping;
  readonly sources: Set<OpSource>;
  /** When the first of them came. */
  firstAt: number;
  /** Most ops of its next batch, once it is being spread. */
  share: number;
  timer: Timer | undefined;
  /** A lease is being asked for, or about to be. */
  asking: boolean;
  /** Withdraws the request for a lease, if one is out. */
  withdraw: (() => void) | undefined;
}

export class Mux {
  readonly #options: MuxOptions;
  readonly #pool: RelayPool;
  readonly #groups = new Map<string, Group>();
  readonly #bound = new UploadBound();
  readonly #held = new HeldPolls();
  /** Batches under way, and how to give each up. */
  readonly #running = new Map<Promise<void>, AbortController>();
  #lastId = 0;
  readonly #places: Places;
  #closed = false;

  constructor(options: MuxOptions) {
    this.#options = options;
    this.#pool = options.pool;
    this.#places = new Places(options.pool.capacity);
  }

  /** Sources that wait. */
  get waiting(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.sources.size;
    return count;
  }

  /** `source` has something to send. It is asked for it once, when its turn comes. */
  ready(source: OpSource, grouping: Grouping): void {
    if (this.#closed) return;
    const key = `${grouping.lane}:${grouping.key}${grouping.avoid === undefined ? '' : `:not ${grouping.avoid.name}`}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = {
        grouping,
        sources: new Set(),
        firstAt: performance.now(),
        share: 0,
        timer: undefined,
        withdraw: undefined,
        asking: false,
      };
      this.#groups.set(key, group);
    }
    if (group.sources.size === 0) group.firstAt = performance.now();
    group.sources.add(source);
    this.#schedule(key, group, grouping.wait ?? 'busy');
  }

  /** `source` has nothing to send any more. */
  forget(source: OpSource): void {
    for (const [key, group] of this.#groups) {
      if (group.sources.delete(source) && group.sources.size === 0) this.#drop(key, group);
    }
  }

  /** Gives up what is under way and waits. Afterwards `flush` can send a last batch. */
  async abort(): Promise<void> {
    this.#closed = true;
    this.#held.close();
    for (const [key, group] of this.#groups) this.#drop(key, group);
    const running = [...this.#running];
    for (const [, abort] of running) abort.abort();
    await Promise.all(running.map(([batch]) => batch));
  }

  /** Sends ops after `abort`, without retries and for a short time. Resolves when that is over. */
  flush(ops: readonly BatchOp[], accepts: (relay: Relay) => boolean): Promise<void> {
    const blocked = this.#pool.blocked(accepts);
    if (blocked !== undefined && blocked.restMs > CLIENT_LIMITS.closeWaitMs) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        withdraw();
        resolve();
      }, CLIENT_LIMITS.closeWaitMs);
      const withdraw = this.#pool.request({
        accepts,
        grant: (lease) => {
          const signal = AbortSignal.timeout(CLIENT_LIMITS.closeWaitMs);
          void runBatch(lease, ops, { timeoutMs: CLIENT_LIMITS.closeWaitMs, signal }, { held: false }).then(() => {
            clearTimeout(timer);
            resolve();
          });
        },
      });
    });
  }

  #schedule(key: string, group: Group, wait: NonNullable<Grouping['wait']>): void {
    if (group.asking) return;
    const now = performance.now();
    const waitMs = wait === 'none' ? 0 : this.#waitMs(group, now, wait === 'always');
    clearTimeout(group.timer);
    group.timer = undefined;
    if (waitMs > 0) {
      group.timer = setTimeout(() => this.#ask(key, group), waitMs);
      return;
    }
    group.asking = true;
    // What becomes ready in this turn still joins.
    queueMicrotask(() => {
      group.asking = false;
      this.#ask(key, group);
    });
  }

  /** How long a group waits for company: in steps, as long as more keeps coming, and `batchWaitMs` in all. */
  #waitMs(group: Group, now: number, always: boolean): number {
    const { lane } = group.grouping;
    const alone = !always && !this.#places.busy(lane);
    if (isSpread(lane) || alone || group.sources.size >= LIMITS.batchOps) return 0;
    const { batchWaitMs } = this.#options;
    return Math.min(batchWaitMs / 4, Math.max(0, group.firstAt + batchWaitMs - now));
  }

  #ask(key: string, group: Group): void {
    group.timer = undefined;
    if (group.withdraw !== undefined || group.sources.size === 0 || this.#closed) return;
    const { lane, gathers = false } = group.grouping;
    if (!gathers && !this.#places.has(lane)) {
      this.#held.press();
      return;
    }
    this.#places.take(lane);
    group.asking = true;
    let granted = false;
    const withdraw = this.#pool.request({
      accepts: (relay) => {
        for (const source of group.sources) if (source.accepts(relay)) return true;
        return false;
      },
      avoid: group.grouping.avoid,
      grant: (lease) => {
        granted = true;
        group.asking = false;
        group.withdraw = undefined;
        this.#form(key, group, lease);
      },
    });
    // The lease may have been granted at once.
    if (granted) return;
    group.withdraw = () => {
      withdraw();
      this.#leave(lane);
    };
  }

  /** A place of a lane is free again. */
  #leave(lane: Lane): void {
    this.#places.leave(lane);
    if (!isPolls(lane)) return;
    for (const [key, group] of this.#groups) {
      const waits = isPolls(group.grouping.lane) && group.timer === undefined && group.sources.size > 0;
      if (waits && group.withdraw === undefined) this.#schedule(key, group, 'busy');
    }
  }

  #form(key: string, group: Group, lease: Lease): void {
    const { lane } = group.grouping;
    const { relay } = lease;
    const id = ++this.#lastId;
    const planned: PlannedOp[] = [];
    const most = this.#share(group);
    const maxBytes = Math.min(LIMITS.batchBytes, this.#bound.bytes);
    const sources: OpSource[] = [];
    let bytes = 0;
    // Sources that have more to send come back while this runs: they are for the next batch.
    const candidates = [...group.sources].filter((source) => source.accepts(relay));
    for (const source of candidates) {
      if (planned.length >= most || (bytes >= maxBytes && planned.length > 0)) break;
      group.sources.delete(source);
      for (const op of source.build({ id, relay, empty: planned.length === 0 }, maxBytes - bytes)) {
        planned.push(op);
        bytes += op.bytes;
        sources.push(source);
      }
    }
    // With an op that is answered at once nothing but the polls before them holds up the others, and those give way.
    if (group.grouping.gathers && planned.length > 0) planned.push(VERSION_OP);
    if (planned.length === 0) {
      lease.giveBack();
      this.#leave(lane);
    } else {
      this.#send(lease, lane, planned, bytes, sources);
    }
    if (group.sources.size === 0) this.#drop(key, group);
    else this.#schedule(key, group, 'none');
  }

  /** How many ops the next batch of a group takes. */
  #share(group: Group): number {
    const { lane } = group.grouping;
    if (!isSpread(lane)) return LIMITS.batchOps;
    // The lease at hand is not free any more, and still counts.
    const batches = Math.min(CLIENT_LIMITS.spreadBatches, this.#pool.free((relay) => accepted(group, relay)) + 1);
    group.share = Math.max(group.share, Math.ceil(group.sources.size / batches));
    return Math.min(LIMITS.batchOps, group.share);
  }

  #send(lease: Lease, lane: Lane, planned: readonly PlannedOp[], bytes: number, sources: readonly OpSource[]): void {
    for (const { sent } of planned) sent?.();
    const startedAt = performance.now();
    const polls = { relay: lease.relay, sentAt: startedAt, sources };
    if (isPolls(lane)) this.#held.add(polls);
    const abort = new AbortController();
    const running = runBatch(
      lease,
      planned.map(({ op }) => op),
      {
        timeoutMs: this.#timeoutMs(lane, planned),
        signal: abort.signal,
        onStep: (step, atMs) => {
          for (const { onStep } of planned) onStep?.(step, atMs);
        },
      },
      { held: lane === 'open' || isPolls(lane), hello: lane === 'open' ? this.#options.hello : undefined },
    ).then((result) => {
      this.#running.delete(running);
      this.#held.delete(polls);
      if (bytes > 0) this.#bound.note(bytes, performance.now() - startedAt);
      for (const [index, { done, failed }] of planned.entries()) {
        if (result.ok) done(result.value[index] as TunnelResponse);
        else failed(result.failure);
      }
      this.#leave(lane);
    });
    this.#running.set(running, abort);
  }

  #timeoutMs(lane: Lane, planned: readonly PlannedOp[]): number {
    const { exchangeTimeoutMs } = this.#options;
    if (planned.some(({ op }) => op.seq !== undefined)) {
      return Math.max(exchangeTimeoutMs, CLIENT_LIMITS.minPipelinedTimeoutMs);
    }
    return isPolls(lane) ? Math.max(exchangeTimeoutMs, CLIENT_LIMITS.minPollTimeoutMs) : exchangeTimeoutMs;
  }

  #drop(key: string, group: Group): void {
    clearTimeout(group.timer);
    group.withdraw?.();
    if (this.#groups.get(key) === group) this.#groups.delete(key);
  }
}

/** Touches nothing; its answer tells nothing that is needed here. */
const VERSION_OP: PlannedOp = { op: { op: 'version' }, bytes: 0, done: () => {}, failed: () => {} };

function accepted(group: Group, relay: Relay): boolean {
  for (const source of group.sources) if (source.accepts(relay)) return true;
  return false;
}
