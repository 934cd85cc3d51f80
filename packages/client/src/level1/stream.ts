/**
 * One stream over level 1.
 *
 * Serial: one op in flight. Pipelined (the node showed the capability): several, numbered by `seq`; replies are put in order,
 * and an op that may have got lost is sent again, since the node runs each `seq` once. What cannot be made good again - an
 * op without `seq` that may have been run - ends the stream with the cause: its reply may have carried bytes.
 *
 * What is on the way is in `#ops`; what comes next is whatever `#next()` says, each time something has changed.
 */
import { decodeBase64, encodeBase64, LIMITS, ProtocolError, type TunnelResponse } from '@millrace/protocol';
import type { CarrierFailure } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import { TunnelError } from '../errors.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { Channel } from '../tunnel/channel.js';
import type { OpenRecord } from '../tunnel/open-record.js';
import type { CloseTarget } from './close-op.js';
import type { Level1Context, Swept } from './context.js';
import { DataOps, type DataOp } from './data-ops.js';
import { isPolls, type Lane } from './lanes.js';
import type { Batch, Grouping, OpSource, PlannedOp } from './mux.js';
import { relayError } from './open.js';
import { ReplyOrder } from './replies.js';
import { codeOf, streamError } from './reply-error.js';

/** A stream that has just been opened. */
export interface StreamStart {
  readonly channel: Channel;
  readonly record: OpenRecord;
  /** The relay over which it was opened. */
  readonly relay: Relay;
  /** Several ops may be in flight. */
  readonly sequenced: boolean;
  readonly target: CloseTarget;
  /** Bytes that the open could not take along. */
  readonly first: Uint8Array | undefined;
}

export class Level1Stream implements OpSource, Swept {
  readonly #context: Level1Context;
  readonly #start: StreamStart;
  readonly #channel: Channel;
  readonly #ops = new DataOps();
  readonly #order = new ReplyOrder<{ op: DataOp; reply: TunnelResponse }>();
  #sequenced: boolean;
  #nextSeq = 0;
  #first: Uint8Array | undefined;
  /** The lane in which it waits in the mux. */
  #queued: Lane | undefined;
  /** Bytes of the last reply. */
  #lastBytes = 0;
  #usedAt = performance.now();
  #waitingSince = Infinity;
  /** The next op is a further poll, for those under way to give way. */
  #gathering = false;
  /** No op was sent yet. */
  #fresh = true;
  #over = false;

  constructor(context: Level1Context, start: StreamStart) {
    this.#context = context;
    this.#start = start;
    this.#channel = start.channel;
    this.#sequenced = start.sequenced;
    this.#first = start.first;
    context.streams.add(this);
    this.#channel.drive({ onActivity: () => this.#advance(), onReset: () => this.#end({ tell: true }) });
  }

  /** Begins with what came along with the reply to the open. */
  start(reply: TunnelResponse): void {
    this.#take(reply, undefined);
    this.#advance();
  }

  accepts(relay: Relay): boolean {
    const { peers, pool } = this.#context;
    if (!peers.sameNode(this.#start.relay, relay)) return false;
    if (!this.#sequenced) return true;
    const peer = peers.of(relay);
    if (!peer.serial) return true;
    // Over one that loses `seq` only alone, and only if there is no other.
    const others = pool.relays.filter((other) => peers.sameNode(this.#start.relay, other));
    return this.#ops.inFlight === 0 && others.every((other) => peers.of(other).serial);
  }

  build({ id, relay, empty }: Batch, room: number): PlannedOp[] {
    this.#queued = undefined;
    this.#waitingSince = Infinity;
    if (this.#sequenced && this.#ops.inFlight === 0 && this.#context.peers.of(relay).serial) this.#sequenced = false;
    const op = this.#makeOp(id, relay, empty, room);
    if (op === undefined) {
      // Something to send, but no room for it: next time.
      if (this.#ops.again !== undefined) this.#advance();
      return [];
    }
    this.#fresh = false;
    this.#gathering = false;
    this.#usedAt = performance.now();
    this.#ops.send(op);
    const { sid } = this.#start.target;
    return [
      {
        op: {
          op: 'data',
          sid,
          ...(op.d === undefined ? {} : { d: op.d }),
          ...(op.seq === undefined ? {} : { seq: op.seq }),
        },
        bytes: op.bytes,
        sent: () => this.#advance(),
        done: (reply) => this.#done(op, reply),
        failed: (failure) => this.#failed(op, failure),
      },
    ];
  }

  pollAgain(): boolean {
    const { peers, mux } = this.#context;
    if (this.#over || this.#gathering) return this.#gathering;
    // Only nodes that tell their version are known to let polls give way.
    const able = this.#sequenced && peers.of(this.#start.relay).version !== undefined;
    const polls = this.#ops.inFlight > 0 && this.#ops.inFlight < LIMITS.maxPipelineDepth && !this.#ops.carryBytes;
    const free = this.#queued === undefined || isPolls(this.#queued);
    if (!able || !polls || !free || this.#channel.targetEnded || this.#channel.downloadCancelled) return false;
    // The further poll of an active stream may be waiting for a place: it goes with the others now.
    if (this.#queued !== undefined) mux.forget(this);
    this.#gathering = true;
    this.#queue('idle');
    return true;
  }

  sweep(now: number): void {
    if (this.#over) return;
    const waitedMs = now - this.#waitingSince;
    if (waitedMs > this.#replyWaitMs) {
      const blocked = this.#context.pool.blocked((relay) => this.accepts(relay));
      if (blocked !== undefined) this.#fail(relayError(blocked.failure), { tell: true });
      return;
    }
    const idle = this.#queued === undefined && this.#ops.inFlight === 0 && this.#ops.again === undefined;
    if (idle && now - this.#usedAt >= CLIENT_LIMITS.keepAliveMs && this.#mayHoldMore(2)) this.#queue('idle');
  }

  /** Asks the mux for a place, if there is something to send. */
  #advance(): void {
    if (this.#over || this.#finish()) return;
    const next = this.#next();
    if (next === undefined) return;
    if (this.#queued === undefined) {
      this.#queue(next);
    } else if (URGENCY.indexOf(next) > URGENCY.indexOf(this.#queued)) {
      // A poll that waits gives way to bytes, and to a poll that will be answered sooner.
      this.#context.mux.forget(this);
      this.#gathering = false;
      this.#queue(next);
    }
  }

  #queue(lane: Lane): void {
    this.#queued = lane;
    this.#waitingSince = performance.now();
    this.#context.mux.ready(this, this.#grouping(lane));
  }

  /** The lane of the next op, or undefined when there is none. */
  #next(): Lane | undefined {
    if (this.#ops.again !== undefined) return 'light';
    const unsent = this.#unsentBytes;
    if (!this.#mayAdd(unsent > 0)) return undefined;
    // Each op also takes what the target has sent, so that an application that never reads stops its own writes in the end.
    if (unsent > 0 && this.#mayHoldMore(2)) return unsent >= BULK_BYTES ? 'bulk' : 'light';
    if (this.#channel.targetEnded || this.#channel.downloadCancelled || !this.#mayHoldMore(1)) return undefined;
    if (this.#lastBytes === 0) return 'idle';
    if (this.#lastBytes >= BULK_BYTES) return 'fetch';
    return this.#ops.inFlight === 0 ? 'poll' : 'ahead';
  }

  /** Whether one more op may be in flight, with bytes or as a poll. */
  #mayAdd(withBytes: boolean): boolean {
    const { inFlight } = this.#ops;
    if (inFlight === 0) return true;
    if (!this.#sequenced) return false;
    if (this.#ops.relays.some((relay) => this.#context.peers.of(relay).serial)) return false;
    const { pipelineDepth } = this.#context.options;
    const active = withBytes || this.#lastBytes > 0;
    const depth = active ? Math.min(pipelineDepth, LIMITS.maxPipelineDepth - (withBytes ? 0 : 1)) : 1;
    if (inFlight < depth || (this.#gathering && inFlight < LIMITS.maxPipelineDepth)) return true;
    // Polls may all be held for many seconds: bytes need not wait for them, and bid them give way.
    return withBytes && inFlight < LIMITS.maxPipelineDepth && !this.#ops.carryBytes;
  }

  /** Whether the replies to come will probably fit into `times` the bytes that a stream may hold. */
  #mayHoldMore(times: number): boolean {
    const held = this.#channel.heldBytes;
    if (held === 0 && this.#ops.inFlight === 0) return true;
    return held + this.#lastBytes * (this.#ops.inFlight + 1) <= this.#context.options.streamBufferBytes * times;
  }

  get #unsentBytes(): number {
    return (this.#first?.byteLength ?? 0) + this.#channel.unsentBytes;
  }

  #grouping(lane: Lane): Grouping {
    const affinity = this.#start.target.affinity();
    const { again } = this.#ops;
    if (again !== undefined) return { lane, key: `again:${affinity}:${again.batch}`, avoid: again.relay, wait: 'none' };
    if (this.#gathering) return { lane, key: `gather:${affinity}`, wait: 'none', gathers: true };
    // An application that has just heard of its connection is about to write: its first bytes spare a first poll.
    if (lane === 'idle') return { lane, key: affinity, wait: this.#fresh ? 'always' : 'busy' };
    // An op whose predecessor is under way waits for it at the node, and makes its whole batch wait: only ops that follow
    // the same batch share one. Serial streams never wait for pipelined ones.
    const company = this.#sequenced ? `after ${this.#ops.lastBatch}` : 'serial';
    return { lane, key: `${company}:${affinity}`, wait: this.#fresh ? 'none' : 'busy' };
  }

  #makeOp(batch: number, relay: Relay, empty: boolean, room: number): DataOp | undefined {
    const { again } = this.#ops;
    if (again !== undefined) return again.bytes > room && !empty ? undefined : this.#ops.takeAgain(batch, relay);
    if (this.#over || !this.#mayAdd(this.#unsentBytes > 0)) return undefined;
    const bytes = this.#takeUpload(room);
    return {
      seq: this.#sequenced ? this.#nextSeq++ : undefined,
      d: bytes === undefined ? undefined : encodeBase64(bytes),
      bytes: bytes?.byteLength ?? 0,
      batch,
      relay,
      overlapped: false,
      sentAt: performance.now(),
      doubt: undefined,
    };
  }

  #takeUpload(room: number): Uint8Array | undefined {
    const first = this.#first;
    if (first === undefined) return this.#channel.take(room);
    this.#first = first.byteLength > room ? first.subarray(room) : undefined;
    return first.subarray(0, room);
  }

  #done(op: DataOp, reply: TunnelResponse): void {
    this.#ops.end(op);
    if (this.#over) return;
    const peer = this.#context.peers.of(op.relay);
    if (op.seq === undefined) {
      this.#take(reply, op);
    } else if (reply.seq === op.seq || (reply.seq === undefined && reply.e !== undefined)) {
      for (const due of this.#order.push(op.seq, { op, reply })) this.#take(due.reply, due.op);
    } else if (reply.seq === undefined && !op.overlapped) {
      // A peer without `seq`, after all. This op was alone, so that its place among the others is known.
      peer.serial = true;
      this.#sequenced = false;
      this.#take(reply, op);
    } else {
      if (reply.seq === undefined) peer.serial = true;
      const got = reply.seq === undefined ? 'no seq' : `seq ${reply.seq}`;
      const message = `${op.relay.name}: ${got} in the reply to seq ${op.seq}`;
      this.#fail(new TunnelError('SEQ_MISMATCH', message), { tell: true });
    }
    this.#advance();
  }

  #failed(op: DataOp, failure: CarrierFailure): void {
    this.#ops.end(op);
    if (this.#over) return;
    const late = performance.now() - op.sentAt > this.#replyWaitMs;
    // A node runs each `seq` once: sent again it is either run now, or answered as repeated.
    const sendAgain = failure.ambiguous ? op.seq !== undefined && op.doubt === undefined : true;
    if (late || !sendAgain || failure.code === 'ABORTED') {
      this.#fail(relayError(op.doubt ?? failure), { tell: true });
      return;
    }
    if (failure.ambiguous) op.doubt = failure;
    this.#ops.keep(op);
    this.#advance();
  }

  /** Takes a reply whose turn it is. */
  #take(reply: TunnelResponse, op: DataOp | undefined): void {
    if (this.#over) return;
    let bytes: Uint8Array | undefined;
    try {
      bytes = reply.d === undefined ? undefined : decodeBase64(reply.d);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(new TunnelError(error.code, error.message, { cause: error }), { tell: true });
      return;
    }
    this.#lastBytes = bytes?.byteLength ?? 0;
    if (bytes !== undefined && bytes.byteLength > 0) {
      this.#start.record.firstByte();
      this.#channel.push(bytes);
    }
    if (reply.e !== undefined) {
      // A poll that came to nothing after the end of the target has nothing to say.
      if (this.#channel.targetEnded && op?.bytes === 0) return;
      this.#fail(op?.doubt === undefined ? streamError(reply) : relayError(op.doubt), { tell: reply.eof !== true });
    } else if (reply.eof === true) {
      this.#takeEnd(reply, op);
    }
  }

  #takeEnd(reply: TunnelResponse, op: DataOp | undefined): void {
    // A node that says so does not know the stream (any more): that is no end of the target.
    const forgotten = codeOf(reply) === 'UNKNOWN_SID';
    if (forgotten && (!this.#channel.targetEnded || (op?.bytes ?? 0) > 0)) {
      this.#context.peers.doubt(this.#start.relay);
      this.#fail(new TunnelError('UNKNOWN_SID', 'the node does not know the stream any more'), { tell: false });
      return;
    }
    if (!this.#channel.targetEnded) this.#channel.endDownload();
  }

  /** Whether the application has ended its side, and the node has everything. */
  get #uploadDone(): boolean {
    return this.#channel.uploadDrained && this.#first === undefined && !this.#ops.carryBytes;
  }

  /** Ends the stream once both sides have ended. Returns whether they have. */
  #finish(): boolean {
    if (this.#uploadDone) this.#channel.endUpload();
    if (!this.#channel.targetEnded && !this.#channel.downloadCancelled) return false;
    if (!this.#uploadDone) return false;
    this.#end({ tell: true });
    this.#channel.finish();
    return true;
  }

  #fail(error: TunnelError, { tell }: { tell: boolean }): void {
    if (this.#over) return;
    this.#end({ tell });
    this.#channel.fail(error);
  }

  #end({ tell }: { tell: boolean }): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.streams.delete(this);
    this.#context.mux.forget(this);
    if (tell) this.#context.closes.send(this.#start.target);
  }

  /** How long an op is tried in all. */
  get #replyWaitMs(): number {
    const { exchangeTimeoutMs } = this.#context.options;
    const timeoutMs = Math.max(exchangeTimeoutMs, this.#sequenced ? CLIENT_LIMITS.minPipelinedTimeoutMs : 0);
    return 2 * timeoutMs + CLIENT_LIMITS.extraReplyWaitMs;
  }
}

/** Lanes of `data` ops, the one that can wait for longest first. */
const URGENCY: readonly Lane[] = ['ahead', 'idle', 'poll', 'fetch', 'light', 'bulk'];

/** From here on a reply or an upload counts as bulk. */
const BULK_BYTES = 64 * 1024;
