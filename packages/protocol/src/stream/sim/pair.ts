import { ClientEngine } from '../client-engine.js';
import type { StreamEngineEvent } from '../events.js';
import { makeEpoch } from '../epoch.js';
import { Budget } from '../budget.js';
import { NodeEngine } from '../node-engine.js';
import { resolveStreamOptions, type PathOptions, type StreamEngineOptions } from '../options.js';
import type { PacketValue } from '../packet.js';
import { ReceiveBudget } from '../receive-budget.js';
import { Clock } from './clock.js';
import { RatedRelay, type RatedRelayOptions } from './rated-relay.js';

/** One packet that was sent. */
export interface Sent {
  at: number;
  direction: 'up' | 'down';
  path: string;
  packet: PacketValue;
}

/** What the network does with a packet: delivers it, loses it in silence, or reports its exchange as failed. */
export type Fate = 'deliver' | 'lose' | 'fail' | { delayMs: number };

/** A path, how long packets take on it, and the relay that carries them where it has a rate. */
export type SimPath = PathOptions & { delayMs?: number; relay?: RatedRelayOptions };

export interface PairOptions {
  paths?: Record<string, SimPath>;
  /** Keep every packet in `log`. Default true; not for runs of many MiB. */
  keepsLog?: boolean;
  client?: StreamEngineOptions;
  node?: StreamEngineOptions;
}

/** More steps than any test needs: a busy loop. */
const MOST_STEPS = 200_000;
const MOST_STEPS_OF_BULK = 4_000_000;

export const CID = Uint8Array.from({ length: 16 }, (_, index) => index);
const NODE_ID = Uint8Array.from({ length: 8 }, (_, index) => 100 + index);

/** A node engine with budgets of its own. */
export function makeNode(
  options: StreamEngineOptions = {},
  generation = 0,
  namedOnly = false,
  nodeId = NODE_ID,
): NodeEngine {
  const resolved = resolveStreamOptions(options);
  return new NodeEngine(
    CID,
    makeEpoch(nodeId, generation, namedOnly),
    {
      options: resolved,
      receiveBudget: new ReceiveBudget(resolved.receiveBudgetBytes),
      sendBudget: new Budget(resolved.sendBudgetBytes),
      flowBudget: new Budget(resolved.flowBudgetBytes),
    },
    0,
  );
}

/** One client and one node on a perfect network of fixed delays, until a test says otherwise by `fate`. */
export class Pair {
  readonly clock = new Clock();
  readonly client: ClientEngine;
  node: NodeEngine;
  /** Paths that lead to other nodes; their dials succeed at once, their events are not kept. */
  readonly elsewhere = new Map<string, NodeEngine>();
  /** Every packet, in the order sent. */
  readonly log: Sent[] = [];
  readonly clientEvents: StreamEngineEvent[] = [];
  readonly nodeEvents: StreamEngineEvent[] = [];
  /** The network's doing; `request` is the packet that an exchange's response answers. */
  fate: (sent: Sent) => Fate = () => 'deliver';
  /** Dials succeed at once, unless a test takes over. */
  onOpen: (sid: number) => void = (sid) => this.node.dialed(sid, { code: '' }, this.clock.now);
  /** Called for each event after it was noted. */
  onClientEvent: (event: StreamEngineEvent) => void = () => {};
  onNodeEvent: (event: StreamEngineEvent) => void = () => {};
  readonly paths: Record<string, SimPath>;
  /** Relays with a rate, by path. */
  readonly relays = new Map<string, RatedRelay>();
  /** Packets of the client so far. */
  requests = 0;
  readonly #keepsLog: boolean;
  readonly #answers = new Map<number, (response: PacketValue) => void>();
  readonly #requests = new Map<number, Sent>();
  #exchange = 0;

  constructor(options: PairOptions = {}) {
    this.client = new ClientEngine(CID, options.client);
    this.node = makeNode(options.node);
    this.#keepsLog = options.keepsLog ?? true;
    this.paths = options.paths ?? { relay: { paired: true, delayMs: 50 } };
    for (const [id, { delayMs: _, relay, ...path }] of Object.entries(this.paths)) {
      this.client.addPath(id, path);
      if (relay !== undefined) this.relays.set(id, new RatedRelay(this.clock, relay));
    }
  }

  get now(): number {
    return this.clock.now;
  }

  /** Requests, or packets up, that were sent so far. */
  get up(): Sent[] {
    return this.log.filter(({ direction }) => direction === 'up');
  }

  get down(): Sent[] {
    return this.log.filter(({ direction }) => direction === 'down');
  }

  open(kind = 0): number {
    return this.client.open({ host: 'example.org', port: 80, kind }, this.now)!;
  }

  /** Reads and uses up all that is there; `ended` when the peer ended cleanly. */
  drain(end: 'client' | 'node', sid: number): { bytes: number[]; ended: boolean } {
    const bytes: number[] = [];
    for (;;) {
      const piece = this[end].read(sid);
      if (piece === undefined || piece === null) return { bytes, ended: piece === null };
      bytes.push(...piece);
      this[end].consume(sid, piece.length, this.now);
    }
  }

  /** Runs for `ms` of virtual time, or until `done`. */
  run(ms: number, done: () => boolean = () => false): void {
    const until = this.now + ms;
    let steps = 0;
    this.pump();
    while (!done()) {
      const most = this.#keepsLog ? MOST_STEPS : MOST_STEPS_OF_BULK;
      if (steps++ > most) throw new Error(`no end after ${most} steps`);
      const times = [
        this.clock.nextAt,
        this.client.pollTimeout(),
        ...this.#nodes().map((node) => node.pollTimeout()),
      ].filter((at) => at !== undefined);
      const next = Math.min(...times);
      if (next > until) break;
      this.clock.now = Math.max(this.now, next);
      if (this.clock.nextAt !== undefined && this.clock.nextAt <= this.now) this.clock.runNext();
      this.client.handleTimeout(this.now);
      for (const node of this.#nodes()) node.handleTimeout(this.now);
      this.pump();
    }
    if (!done()) this.clock.now = until;
  }

  pump(): void {
    for (let more = true; more;) {
      more = false;
      for (let event = this.client.pollEvent(); event; event = this.client.pollEvent()) {
        more = true;
        this.clientEvents.push(event);
        this.onClientEvent(event);
      }
      for (const other of this.elsewhere.values()) {
        for (let event = other.pollEvent(); event; event = other.pollEvent()) {
          more = true;
          if (event.type === 'open') other.dialed(event.sid, { code: '' }, this.now);
        }
      }
      for (let event = this.node.pollEvent(); event; event = this.node.pollEvent()) {
        more = true;
        this.nodeEvents.push(event);
        if (event.type === 'open') this.onOpen(event.sid);
        this.onNodeEvent(event);
      }
      for (let out = this.client.pollTransmit(this.now); out; out = this.client.pollTransmit(this.now)) {
        more = true;
        this.#up({ at: this.now, direction: 'up', path: out.path, packet: out.packet });
      }
      for (const node of this.#nodes()) {
        for (let out = node.pollTransmit(this.now); out; out = node.pollTransmit(this.now)) {
          more = true;
          const answer = 'exchange' in out ? this.#answers.get(out.exchange) : undefined;
          if (answer !== undefined && 'exchange' in out) {
            this.#answers.delete(out.exchange);
            if (this.#keepsLog) this.log.push({ at: this.now, direction: 'down', path: 'relay', packet: out.packet });
            if (this.fate({ at: this.now, direction: 'down', path: 'relay', packet: out.packet }) !== 'lose')
              answer(out.packet);
            continue;
          }
          const path = 'path' in out ? out.path : this.#requests.get(out.exchange)!.path;
          this.#down({ at: this.now, direction: 'down', path, packet: out.packet });
        }
      }
    }
  }

  /** Hands a request to the node, as another copy of it would be. */
  arrive(sent: Sent): void {
    if (this.#path(sent.path).paired) {
      const exchange = this.#exchange++;
      this.#requests.set(exchange, sent);
      (this.elsewhere.get(sent.path) ?? this.node).handleExchange(exchange, sent.packet, this.now);
    } else {
      this.node.addPath(sent.path, this.#path(sent.path));
      this.node.handlePacket(sent.path, sent.packet, this.now);
    }
    this.pump();
  }

  #nodes(): NodeEngine[] {
    return [this.node, ...this.elsewhere.values()];
  }

  #path(id: string): SimPath {
    const path = this.paths[id];
    if (path === undefined) throw new Error(`no path ${id}`);
    return path;
  }

  #up(sent: Sent): void {
    this.requests++;
    if (this.#keepsLog) this.log.push(sent);
    const relay = this.relays.get(sent.path);
    if (relay !== undefined) {
      this.#exchangeOver(relay, sent);
      return;
    }
    this.#carry(sent, sent.packet.n, () => this.arrive(sent));
  }

  #exchangeOver(relay: RatedRelay, { path, packet }: Sent): void {
    relay.exchange(packet, {
      arrive: (answer) => {
        const exchange = this.#exchange++;
        this.#answers.set(exchange, answer);
        this.node.handleExchange(exchange, packet, this.now);
        this.pump();
      },
      respond: (response) => {
        this.client.handlePacket(path, response, this.now);
        this.pump();
      },
      fail: () => {
        this.client.exchangeFailed(path, packet.n, this.now);
        this.pump();
      },
    });
  }

  #down(sent: Sent): void {
    if (this.#keepsLog) this.log.push(sent);
    this.#carry(sent, sent.packet.answers, () => {
      this.client.handlePacket(sent.path, sent.packet, this.now);
      this.pump();
    });
  }

  #carry(sent: Sent, exchange: number | undefined, deliver: () => void): void {
    const fate = this.fate(sent);
    const { delayMs = 0 } = this.#path(sent.path);
    if (fate === 'lose') return;
    if (fate === 'fail') {
      this.clock.after(delayMs, () => this.client.exchangeFailed(sent.path, exchange!, this.now));
      return;
    }
    this.clock.after(delayMs + (fate === 'deliver' ? 0 : fate.delayMs), deliver);
  }
}
