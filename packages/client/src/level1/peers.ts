/**
 * Who is behind each relay. Stream ids belong to one node, so a stream's ops may only go over relays that lead to the node
 * that opened it: the relay of the open itself, and those that are known to lead to the same node.
 */
import type { EventHub, MillraceEvent, PeerEvent, TunnelResponse } from '@millrace/protocol';
import { CAPABILITY } from '@millrace/protocol';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { leaseOf } from '../carriers/relay-pool-wait.js';
import { TunnelError } from '../errors.js';
import { CLIENT_LIMITS } from '../limits.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';
import type { ProbeResult } from '../tunnel/types.js';
import { runBatch, type ClientHello } from './batch.js';
import { isUnsupported, streamError } from './reply-error.js';

/** What is known of the node behind one relay, and of what the relay lets through. */
export interface Peer {
  /** It answered `version`, if only by not knowing it. */
  known: boolean;
  /** When it was asked last, on the clock of `performance.now()`. */
  askedAt: number;
  /** How often it was asked in vain since. */
  vain: number;
  /** Its id; older nodes have none, and count as the same node. */
  node: string | undefined;
  version: string | undefined;
  caps: number;
  /** A reply over this relay lacked the `seq` that was sent: new streams over it are serial. */
  serial: boolean;
  /** The node does not know `connect_data`. */
  plainConnect: boolean;
}

export interface PeersOptions {
  readonly pool: RelayPool;
  readonly events: EventHub<MillraceEvent>;
  readonly exchangeTimeoutMs: number;
  /** Sent along where something is opened or asked for, so that the node knows what this client can do. */
  readonly hello?: ClientHello | undefined;
  /** Whether a relay is used at level 1: the nodes of others may differ from those that are. */
  readonly uses?: ((relay: Relay) => boolean) | undefined;
  /** Called with each answer; `changed` when it tells something new. Default: an event for what is new. */
  readonly onPeer?: ((relay: Relay, peer: PeerEvent, changed: boolean) => void) | undefined;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<Relay, Peer>();
  readonly #asking = new Set<Relay>();
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #conflict: TunnelError | undefined;
  /** Relays told different ids, which have to be asked for again before that counts. */
  #suspected = false;
  #recheck: Timer | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
    for (const relay of options.pool.relays) this.#peers.set(relay, unknownPeer());
    options.pool.onPassedOver((relay) => this.#askInBackground(relay));
    options.pool.onProbeDue((relay) => this.#askInBackground(relay));
    options.pool.onSuccess((relay, recovered) => {
      const { known, askedAt, vain } = this.of(relay);
      const waitMs = Math.min(CLIENT_LIMITS.reaskMs, CLIENT_LIMITS.minRestMs * 2 ** Math.min(vain, 16));
      const due = known ? recovered : performance.now() - askedAt >= waitMs;
      if (due) this.#askInBackground(relay);
    });
  }

  /** Two relays lead to different nodes: nothing can be opened until that is mended. */
  get conflict(): TunnelError | undefined {
    return this.#conflict;
  }

  of(relay: Relay): Peer {
    return this.#peers.get(relay) as Peer;
  }

  /** Asks all, in the background. */
  start(): void {
    for (const relay of this.#options.pool.relays) this.#askInBackground(relay);
  }

  /** Whether streams that were opened over `opener` may use `relay`. */
  sameNode(opener: Relay, relay: Relay): boolean {
    if (opener === relay) return true;
    const [one, other] = [this.of(opener), this.of(relay)];
    return one.known && other.known && one.node === other.node;
  }

  /** A key that relays of one node share. */
  affinity(relay: Relay): string {
    const { known, node } = this.of(relay);
    return known ? `node ${node ?? ''}` : `relay ${relay.name}`;
  }

  /** The node behind a relay may be another one now: it does not know a stream that it opened, say. */
  doubt(relay: Relay): void {
    this.#askInBackground(relay);
  }

  /** A reply to an open told what the node can do. */
  heardCaps(relay: Relay, caps: number | undefined): void {
    const { known, caps: before } = this.of(relay);
    if (caps !== undefined && (!known || caps !== before)) this.#askInBackground(relay);
  }

  /** Asks all, for a caller. Rejects with `ABORTED`. */
  async probe(signal: AbortSignal | undefined): Promise<ProbeResult[]> {
    const results = await Promise.all(this.#options.pool.relays.map((relay) => this.#track(this.#ask(relay, signal))));
    if (signal?.aborted) throw new TunnelError('ABORTED', 'the caller aborted');
    this.#compare();
    return results;
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    clearTimeout(this.#recheck);
    this.#abort.abort();
    await Promise.all(this.#running);
  }

  #askInBackground(relay: Relay): void {
    if (this.#asking.has(relay) || this.#abort.signal.aborted) return;
    this.#asking.add(relay);
    void this.#track(
      this.#ask(relay, undefined).then(() => {
        this.#asking.delete(relay);
        this.#compare();
      }),
    );
  }

  #track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    return running;
  }

  async #ask(relay: Relay, signal: AbortSignal | undefined): Promise<ProbeResult> {
    const startedAt = performance.now();
    this.of(relay).askedAt = startedAt;
    const checkpoints: ProbeResult['checkpoints'] = [];
    const end = (result: Pick<ProbeResult, 'peer' | 'error'>): ProbeResult => {
      return { relay: relay.name, ...result, checkpoints, ms: performance.now() - startedAt };
    };
    const both = AbortSignal.any(signal === undefined ? [this.#abort.signal] : [signal, this.#abort.signal]);
    const lease = await leaseOf(this.#options.pool, relay, both);
    if ('code' in lease) return end({ error: new TunnelError(lease.code, lease.message, { cause: lease.cause }) });
    const sentAt = Date.now();
    const result = await runBatch(
      lease,
      [{ op: 'version' }],
      {
        timeoutMs: this.#options.exchangeTimeoutMs,
        signal: both,
        onStep: (step, atMs) => checkpoints.push({ step, ms: Math.max(0, atMs - startedAt) }),
      },
      { held: false, hello: this.#options.hello },
    );
    if (!result.ok) {
      const { code, message, cause } = result.failure;
      this.of(relay).vain += 1;
      // While ids are being compared, an id that cannot be confirmed is no evidence.
      if (this.#suspected) Object.assign(this.of(relay), { known: false, node: undefined });
      return end({ error: new TunnelError(code, message, { cause }) });
    }
    const reply = result.value[0] as TunnelResponse;
    if (reply.e !== undefined && !isUnsupported(reply)) return end({ error: streamError(reply) });
    return end({ peer: this.#note(relay, reply, (sentAt + Date.now()) / 2) });
  }

  #note(relay: Relay, reply: TunnelResponse, now: number): PeerEvent {
    const peer = this.of(relay);
    const changed = !peer.known || peer.node !== reply.node || peer.version !== reply.v;
    Object.assign(peer, {
      known: true,
      vain: 0,
      node: reply.node,
      version: reply.v,
      caps: reply.caps ?? 0,
    } satisfies Partial<Peer>);
    const event: PeerEvent = {
      event: 'peer',
      relay: relay.name,
      ...(reply.v === undefined ? {} : { version: reply.v }),
      level: 1,
      caps: peer.caps,
      ...(reply.node === undefined ? {} : { node: reply.node }),
      ...(reply.now === undefined ? {} : { clockSkewMs: Math.round(reply.now - now) }),
    };
    const { onPeer, events } = this.#options;
    if (onPeer !== undefined) onPeer(relay, event, changed);
    else if (changed) events.emit(event);
    return event;
  }

  /**
   * Looks for relays that lead to different nodes. A node that has just been restarted looks the same for a moment, so only
   * ids that were asked for again count.
   */
  #compare(): void {
    const { relays } = this.#options.pool;
    const { uses = () => true } = this.#options;
    const told = relays.filter((relay) => this.of(relay).node !== undefined && uses(relay));
    const first = told[0];
    const other = told.find((relay) => this.of(relay).node !== this.of(first as Relay).node);
    if (first === undefined || other === undefined) {
      this.#conflict = undefined;
      this.#suspected = false;
      return;
    }
    if (this.#suspected && this.#asking.size === 0) {
      this.#conflict = new TunnelError(
        'PEER_DIFFERENT_NODES',
        `${first.name} and ${other.name} lead to different nodes: give every relay the same node address`,
      );
    }
    if (this.#asking.size > 0 || this.#recheck !== undefined) return;
    // At once when the suspicion is new, then now and then until it is mended.
    const waitMs = this.#suspected ? CLIENT_LIMITS.recheckMs : 0;
    this.#suspected = true;
    this.#recheck = choreTimer(() => {
      this.#recheck = undefined;
      for (const relay of told) this.#askInBackground(relay);
    }, waitMs);
  }
}

/** Whether `caps` allow several ops of one stream in flight. */
export function maySequence(caps: number | undefined): boolean {
  return ((caps ?? 0) & CAPABILITY.PIPELINE_SEQ) !== 0;
}

function unknownPeer(): Peer {
  return {
    known: false,
    askedAt: -Infinity,
    vain: 0,
    node: undefined,
    version: undefined,
    caps: 0,
    serial: false,
    plainConnect: false,
  };
}
