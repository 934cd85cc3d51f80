/**
 * One UDP flow over level 1: opened by its first datagram, then one op per datagram, and a poll when nothing else is
 * under way. Datagrams that may have got lost are not sent again.
 */
import { decodeBase64, encodeBase64, ProtocolError, type BatchOp, type TunnelResponse } from '@millrace/protocol';
import type { CarrierFailure } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import { CLIENT_LIMITS } from '../limits.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';
import type { Flow, FlowRequest } from '../tunnel/level.js';
import type { CloseTarget } from './close-op.js';
import type { Level1Context, Waiting } from './context.js';
import type { Lane } from './lanes.js';
import type { Batch, Grouping, OpSource, PlannedOp } from './mux.js';
import { closeTarget } from './open.js';
import { dialError, streamError } from './reply-error.js';

export class Level1Flow implements Flow, OpSource, Waiting {
  readonly #context: Level1Context;
  readonly #request: FlowRequest;
  readonly #queue: Uint8Array[] = [];
  #queueBytes = 0;
  #usedAt = performance.now();
  #expiry: Timer;
  /** The op that opens it is on the way. */
  #opening = false;
  #opened: { target: CloseTarget; relay: Relay } | undefined;
  #inFlight = 0;
  /** The lane in which it waits in the mux. */
  #queued: Lane | undefined;
  #bytesUp = 0;
  #bytesDown = 0;
  #over = false;

  constructor(context: Level1Context, request: FlowRequest) {
    this.#context = context;
    this.#request = request;
    context.opens.add(this);
    this.#expiry = choreTimer(() => this.#expire(), context.options.flowIdleSeconds * 1_000);
  }

  get usedAt(): number {
    return this.#usedAt;
  }

  send(data: Uint8Array): void {
    if (this.#over) return;
    this.#usedAt = performance.now();
    this.#queue.push(data);
    this.#queueBytes += data.byteLength;
    let dropped = 0;
    while (this.#queue.length > CLIENT_LIMITS.maxFlowQueue || this.#queueBytes > CLIENT_LIMITS.maxFlowQueueBytes) {
      this.#shift();
      dropped += 1;
    }
    if (dropped > 0) this.#request.onDropped(dropped);
    if (this.#opened === undefined && !this.#opening) this.checkRelays();
    this.#advance();
  }

  close(): void {
    this.#end(undefined);
  }

  accepts(relay: Relay): boolean {
    return this.#opened === undefined || this.#context.peers.sameNode(this.#opened.relay, relay);
  }

  checkRelays(): void {
    if (this.#over || this.#opened !== undefined || this.#opening) return;
    const { conflict } = this.#context.peers;
    const blocked = this.#context.pool.blocked(() => true);
    if (conflict !== undefined) this.#end(conflict.code);
    else if (blocked !== undefined && blocked.restMs > CLIENT_LIMITS.openPatienceMs) this.#end(blocked.failure.code);
  }

  build({ relay }: Batch, room: number): PlannedOp[] {
    this.#queued = undefined;
    if (this.#over) return [];
    if (this.#opened === undefined) return this.#opening ? [] : [this.#planOpen(relay)];
    const planned: PlannedOp[] = [];
    let bytes = 0;
    while (planned.length < CLIENT_LIMITS.maxFlowBatch) {
      const size = this.#queue[0]?.byteLength;
      if (size === undefined || (bytes + size > room && planned.length > 0)) break;
      planned.push(this.#planData(relay, this.#shift()));
      bytes += size;
    }
    if (planned.length === 0) planned.push(this.#planData(relay, undefined));
    return planned;
  }

  #planOpen(relay: Relay): PlannedOp {
    const { host, port, record } = this.#request;
    const data = this.#shift();
    this.#opening = true;
    return {
      op: { op: 'udp_open', host, port, d: encodeBase64(data) },
      bytes: data.byteLength,
      sent: () => record.attempt(),
      onStep: (step, atMs) => record.step(step, atMs),
      done: (reply) => this.#openDone(relay, data, reply),
      failed: (failure) => this.#openFailed(data, failure),
    };
  }

  #planData(relay: Relay, data: Uint8Array | undefined): PlannedOp {
    const { sid } = (this.#opened as { target: CloseTarget }).target;
    const op: BatchOp = { op: 'udp_data', sid, ...(data === undefined ? {} : { d: encodeBase64(data) }) };
    this.#inFlight += 1;
    this.#bytesUp += data?.byteLength ?? 0;
    return {
      op,
      bytes: data?.byteLength ?? 0,
      sent: () => this.#advance(),
      done: (reply) => {
        this.#inFlight -= 1;
        this.#take(relay, reply);
        this.#advance();
      },
      failed: () => {
        // The datagrams are lost, as datagrams may be; the flow goes on.
        this.#inFlight -= 1;
        this.#advance();
      },
    };
  }

  #openDone(relay: Relay, data: Uint8Array, reply: TunnelResponse): void {
    this.#opening = false;
    if (reply.sid === undefined || reply.e !== undefined) {
      this.#end(dialError(reply).code);
      return;
    }
    const target = closeTarget(this.#context, relay, reply.sid);
    if (this.#over) {
      this.#context.closes.send(target);
      return;
    }
    this.#bytesUp += data.byteLength;
    this.#opened = { target, relay };
    this.#context.opens.delete(this);
    this.#request.record.succeed();
    this.#take(relay, reply);
    this.#advance();
  }

  #openFailed(data: Uint8Array, failure: CarrierFailure): void {
    this.#opening = false;
    if (this.#over) return;
    if (failure.ambiguous || this.#request.record.attempts >= CLIENT_LIMITS.maxOpenAttempts) {
      this.#end(failure.code);
      return;
    }
    this.#queue.unshift(data);
    this.#queueBytes += data.byteLength;
    this.checkRelays();
    this.#advance();
  }

  #take(relay: Relay, reply: TunnelResponse): void {
    if (this.#over) return;
    let datagrams: Uint8Array[];
    try {
      datagrams = (reply.pkts ?? []).map((text) => decodeBase64(text));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(error.code);
      return;
    }
    if (datagrams.length > 0) {
      this.#usedAt = performance.now();
      this.#request.record.firstByte();
      for (const { byteLength } of datagrams) this.#bytesDown += byteLength;
      this.#request.onDatagrams(datagrams);
    }
    if (reply.e !== undefined) {
      this.#end(streamError(reply).code);
    } else if (reply.eof === true) {
      // Reaped there, or the node is another one now; the next datagram opens a new flow.
      this.#context.peers.doubt(relay);
      this.#end('UNKNOWN_SID', { tell: false });
    }
  }

  #advance(): void {
    if (this.#over) return;
    const grouping = this.#grouping();
    // A poll that waits for company gives way to datagrams.
    if (grouping === undefined || this.#queued === grouping.lane) return;
    if (this.#queued !== undefined) this.#context.mux.forget(this);
    this.#queued = grouping.lane;
    this.#context.mux.ready(this, grouping);
  }

  /** What is to be sent next, if anything. */
  #grouping(): Grouping | undefined {
    const datagrams = this.#queue.length > 0;
    if (this.#opened === undefined) {
      return datagrams && !this.#opening ? { lane: 'open', key: 'udp', wait: 'none' } : undefined;
    }
    const affinity = this.#opened.target.affinity();
    if (datagrams) {
      return this.#inFlight < CLIENT_LIMITS.maxFlowExchanges ? { lane: 'light', key: `udp:${affinity}` } : undefined;
    }
    return this.#inFlight === 0 ? { lane: 'idle', key: affinity } : undefined;
  }

  #shift(): Uint8Array {
    const data = this.#queue.shift() as Uint8Array;
    this.#queueBytes -= data.byteLength;
    return data;
  }

  #expire(): void {
    const idleMs = performance.now() - this.#usedAt;
    const leftMs = this.#context.options.flowIdleSeconds * 1_000 - idleMs;
    if (leftMs <= 0) this.#end(undefined);
    else this.#expiry = choreTimer(() => this.#expire(), Math.ceil(leftMs));
  }

  #end(code: Parameters<FlowRequest['record']['fail']>[0] | undefined, { tell } = { tell: true }): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#expiry);
    const { record } = this.#request;
    this.#context.opens.delete(this);
    this.#context.mux.forget(this);
    this.#queue.length = 0;
    this.#queueBytes = 0;
    if (this.#opened !== undefined && tell) this.#context.closes.send(this.#opened.target);
    if (record.opened) record.close(this.#bytesUp, this.#bytesDown, code);
    else record.fail(code ?? 'STREAM_CLOSED');
    this.#request.onOver();
  }
}
