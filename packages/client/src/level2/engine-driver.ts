/**
 * Drives the engine: gives it the time, the gates of the relays and what they answered, and does what it says - sends its
 * packets over leases, tells streams and flows what happened, and comes back when it wants to.
 */
import { AbortFlag } from '@millrace/protocol';
import { BodyBuffers, dropView } from '@millrace/protocol/level2';
import {
  ClientEngine,
  type ClientTransmit,
  type StreamEngineEvent,
  type StreamEngineOptions,
} from '@millrace/protocol/stream';
import { SILENT, type CarrierFailure, type CarrierStep } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import type { TunnelError } from '../errors.js';
import { soon, type Timer } from '../tunnel/clock.js';
import { exchangePacket, type AnswerPacket, type Form } from './exchange.js';
import { BodyAccount, level2Bound, SPARE_BYTES, STREAM_COST_BYTES, type MemoryOptions } from './memory.js';
import { pathOptions } from './path-options.js';

/** A stream or flow of the engine. */
export interface EngineUser {
  readonly sid: number;
  /** When it was asked for, on the clock of `performance.now()`. */
  readonly startedAt: number;
  /** The node has not answered yet. */
  readonly opening: boolean;
  /** How many requests that carried its open came to nothing. Several may be under way. */
  failures: number;
  attempt(): void;
  step(step: CarrierStep, atMs: number): void;
  /** Ends it here and at the node. */
  fail(error: TunnelError): void;
  onEvent(event: StreamEngineEvent): void;
}

export interface EngineDriverOptions {
  readonly pool: RelayPool;
  /** Resolves with what stands for the access key. */
  readonly token: Promise<Uint8Array>;
  readonly exchangeTimeoutMs: number;
  readonly engine: StreamEngineOptions;
  /** An exchange was answered, with a packet of this node instance. */
  readonly onAnswer: (relay: Relay, epoch: Uint8Array | undefined, caps: number) => void;
  /** Whether another form will be tried should this one be refused. */
  readonly isTrial: (relay: Relay, form: Form) => boolean;
  /** An exchange failed; `users` are those whose open it carried and that are still opening. */
  readonly onFailure: (relay: Relay, form: Form, failure: CarrierFailure, users: readonly EngineUser[]) => void;
  /** A relay leads to another node than the others. */
  readonly onDifferentNode: (relay: Relay) => void;
}

interface Path {
  readonly relay: Relay;
  readonly form: Form;
  /** Exchanges under way here. */
  running: number;
}

const CID_BYTES = 16;

export class EngineDriver {
  readonly engine: ClientEngine;
  readonly #options: EngineDriverOptions;
  readonly #users = new Map<number, EngineUser>();
  readonly #paths = new Map<string, Path>();
  /** Exchanges under way, by packet number. */
  readonly #running = new Map<number, { abort: AbortFlag; ended: Promise<void> }>();
  readonly #stopListening: () => void;
  readonly #memory: MemoryOptions;
  readonly #bodies: BodyAccount;
  readonly #buffers = new BodyBuffers(SPARE_BYTES);
  /** The answer that the engine may have views of. */
  #viewed: Uint8Array | undefined;
  #token: Uint8Array | undefined;
  #now = performance.now();
  #woken = false;
  #gatesChanged = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #closed = false;

  constructor(options: EngineDriverOptions) {
    this.#options = options;
    const cid = globalThis.crypto.getRandomValues(new Uint8Array(CID_BYTES));
    this.engine = new ClientEngine(cid, options.engine);
    const entries = options.pool.relays.map(({ entry }) => entry);
    this.#memory = {
      engine: options.engine,
      maxRequestBytes: Math.max(...entries.map(({ maxRequestBytes }) => maxRequestBytes)),
      maxResponseBytes: Math.max(...entries.map(({ maxResponseBytes }) => maxResponseBytes)),
      exchanges: options.pool.capacity,
    };
    this.#bodies = new BodyAccount(
      this.#memory,
      () => this.engine.bytesHeld(),
      () => this.#users.size,
    );
    this.#stopListening = options.pool.onChange(() => {
      this.#gatesChanged = true;
      this.wake();
    });
    void options.token.then((token) => {
      this.#token = token;
      this.wake();
    });
  }

  /** The time of the engine: it stands still while one thing is done. */
  get now(): number {
    this.#now = Math.max(this.#now, performance.now());
    return this.#now;
  }

  /** Exchanges under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Streams and flows. */
  get users(): EngineUser[] {
    return [...this.#users.values()];
  }

  /** Those that wait for the node's first word. */
  get opening(): EngineUser[] {
    return this.users.filter((user) => user.opening);
  }

  get relays(): Relay[] {
    return [...this.#paths.values()].map(({ relay }) => relay);
  }

  /** Ends all streams and flows with an error; the node hears of it, should it still know them. */
  failAll(error: TunnelError): void {
    for (const user of this.#users.values()) user.fail(error);
  }

  /** Hold that a relay was found to bear, ms. */
  holdMs(relay: Relay): number | undefined {
    return this.engine.holdMs(relay.name);
  }

  /** Memory that is answered for now, and the most that it can be with as many streams. */
  get memory(): { heldBytes: number; boundBytes: number } {
    const streams = this.#users.size;
    const bodies = this.#bodies.heldBytes + this.#buffers.bytes + (this.#viewed?.buffer.byteLength ?? 0);
    const heldBytes = this.engine.bytesHeld() + bodies + streams * STREAM_COST_BYTES;
    return { heldBytes, boundBytes: level2Bound(this.#memory, streams) };
  }

  /** The form in which a relay is used; undefined while it is not. */
  formOf(relay: Relay): Form | undefined {
    return this.#paths.get(relay.name)?.form;
  }

  /** Begins to use a relay. */
  addRelay(relay: Relay, form: Form, startHoldMs: number | undefined): void {
    if (this.#paths.has(relay.name)) return;
    this.#paths.set(relay.name, { relay, form, running: 0 });
    this.engine.addPath(relay.name, pathOptions(relay, form, startHoldMs));
    this.#gatesChanged = true;
    this.wake();
  }

  /** Uses a relay no more; what was under way on it goes over others. */
  removeRelay(relay: Relay): void {
    if (!this.#paths.delete(relay.name)) return;
    this.engine.removePath(relay.name, this.now);
    this.wake();
  }

  /** Events of `user.sid` go to it from now on. */
  add(user: EngineUser): void {
    this.#users.set(user.sid, user);
    this.wake();
  }

  forget(user: EngineUser): void {
    this.#users.delete(user.sid);
  }

  /** Something was done with the engine: what follows from it is done soon. */
  wake(): void {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    soon(() => {
      this.#woken = false;
      this.#run();
    });
  }

  /** Tells the node of all that ends, for at most `waitMs`, then gives up what is under way. */
  async close(waitMs: number): Promise<void> {
    this.engine.close(this.now);
    this.#run();
    const deadline = performance.now() + waitMs;
    // What has been sent and not been heard of is told; a relay that does not work is not waited for.
    while (this.engine.inspect().length > 0 && this.#running.size > 0 && performance.now() < deadline) {
      await this.#nextEnd(deadline - performance.now());
    }
    this.#closed = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #nextEnd(waitMs: number): Promise<void> {
    let timer: Timer | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, Math.ceil(waitMs)));
    });
    await Promise.race([timeout, ...[...this.#running.values()].map(({ ended }) => ended)]);
    clearTimeout(timer);
    this.#run();
  }

  #run(): void {
    if (this.#closed) return;
    for (let more = true; more;) {
      more = this.#runEvents();
      more = this.#transmit() || more;
    }
    this.#arm();
  }

  #runEvents(): boolean {
    let any = false;
    for (let event = this.engine.pollEvent(); event !== undefined; event = this.engine.pollEvent()) {
      any = true;
      if ('sid' in event) this.#users.get(event.sid)?.onEvent(event);
      else if (event.type === 'abandoned') this.#running.get(event.n)?.abort.abort(SILENT);
      else if (event.type === 'differentNode') {
        const path = this.#paths.get(event.path);
        if (path !== undefined) this.#options.onDifferentNode(path.relay);
      }
    }
    return any;
  }

  #transmit(): boolean {
    if (this.#token === undefined) return false;
    let any = false;
    for (;;) {
      // One request may always be under way: its end makes room.
      if (this.#running.size > 0 && !this.#bodies.fits(this.#memory.maxRequestBytes)) return any;
      if (this.#gatesChanged) this.#setGates();
      const out = this.engine.pollTransmit(this.now);
      if (out === undefined) return any;
      any = true;
      this.#send(out, this.#token);
    }
  }

  #setGates(): void {
    this.#gatesChanged = false;
    const { now } = this;
    for (const [id, path] of this.#paths) this.engine.setGate(id, path.relay.gate(now, path.running));
  }

  #send({ path: id, packet }: ClientTransmit, token: Uint8Array): void {
    const path = this.#paths.get(id);
    const lease = path === undefined ? undefined : this.#options.pool.lease(path.relay);
    if (path === undefined || lease === undefined) {
      this.engine.exchangeFailed(id, packet.n, this.now, { sent: false });
      return;
    }
    const opens: EngineUser[] = [];
    for (const { sid, open } of packet.segments ?? []) {
      const user = open === undefined ? undefined : this.#users.get(sid);
      if (user?.opening === true) opens.push(user);
    }
    for (const user of opens) user.attempt();
    const abort = new AbortFlag();
    const holdMs = packet.hold ?? 0;
    path.running += 1;
    const ended = exchangePacket(lease, packet, {
      token,
      form: path.form,
      account: this.#bodies,
      buffers: this.#buffers,
      trial: this.#options.isTrial(path.relay, path.form),
      held: holdMs > 0 || opens.length > 0,
      send: {
        timeoutMs: this.#options.exchangeTimeoutMs + holdMs,
        signal: abort,
        ...(opens.length === 0
          ? {}
          : {
              onStep: (step: CarrierStep, atMs: number) => {
                for (const user of opens) user.step(step, atMs);
              },
            }),
      },
    }).then((result) => {
      path.running -= 1;
      this.#running.delete(packet.n);
      const { now } = this;
      if (result.ok) {
        this.#take(id, result.value, now);
        const { epoch, caps = 0 } = result.value.packet;
        this.#options.onAnswer(path.relay, epoch, caps);
      }
      // Also the answer to something else leaves the request without one.
      const sent = result.ok || result.failure.ambiguous;
      if (!result.ok || result.value.packet.answers !== packet.n)
        this.engine.exchangeFailed(id, packet.n, now, { sent });
      if (!result.ok) {
        const still = opens.filter((user) => user.opening);
        this.#options.onFailure(path.relay, path.form, result.failure, still);
      }
      this.wake();
    });
    this.#running.set(packet.n, { abort, ended });
  }

  /** Hands an answer to the engine, which keeps views of it until the next one comes. */
  #take(id: string, { packet, memory }: AnswerPacket, now: number): void {
    this.engine.settle();
    if (this.#viewed !== undefined) dropView(this.#viewed);
    this.#viewed = memory;
    this.engine.handlePacket(id, packet, now);
  }

  #arm(): void {
    const at = this.engine.pollTimeout() ?? Infinity;
    // A timer that fires too early costs less than a new one for each packet.
    if (at >= this.#timerAt && at !== Infinity) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Infinity) return;
    this.#timer = setTimeout(() => this.#timeout(), Math.max(0, Math.ceil(at - performance.now())));
  }

  #timeout(): void {
    this.#timerAt = Infinity;
    const { now } = this;
    if ((this.engine.pollTimeout() ?? Infinity) <= now) this.engine.handleTimeout(now);
    this.#run();
  }
}
