import { Budget } from './budget.js';
import { makeEpoch } from './epoch.js';
import { NodeEngine } from './node-engine.js';
import { resolveRules, resolveStreamOptions, type ResolvedStreamOptions, type StreamEngineOptions } from './options.js';
import type { PacketValue } from './packet.js';
import { ReceiveBudget } from './receive-budget.js';
import type { StreamShares } from './stream.js';

/** Options of a node's table of clients, beside those of each engine. Budgets are shared by all associations. */
export interface AssociationTableOptions extends StreamEngineOptions {
  /** Clients at once. Default 256; another one takes the place of the longest silent one without streams, or is refused. */
  maxAssociations?: number;
  /** Silence after which a client is forgotten, ms. Default 120,000. */
  forgetAfterMs?: number;
  /** How long a forgotten client is remembered as such, ms. Default 900,000: longer than any relay keeps a request. */
  tombstoneMs?: number;
  /** Forgotten clients that are remembered. Default 16,384. */
  maxTombstones?: number;
}

const RULES = {
  maxAssociations: [256, 1, 65_536],
  forgetAfterMs: [120_000, 1, 86_400_000],
  tombstoneMs: [900_000, 0, 86_400_000],
  maxTombstones: [16_384, 1, 1_048_576],
} as const;

/** What a tombstone costs. */
const TOMBSTONE_COST_BYTES = 192;

/**
 * All clients of a node. An association belongs to the access key that first used its `cid`: no other key reaches it.
 * A client that was forgotten and comes back gets a new epoch, under which nothing of before is executed.
 */
export class AssociationTable {
  readonly #nodeId: Uint8Array;
  readonly #options: ResolvedStreamOptions;
  /** What all clients share. */
  readonly #budgets: Record<'receive' | 'send' | 'flow', Budget>;
  readonly #limits: Readonly<Record<keyof typeof RULES, number>>;
  readonly #engines = new Map<string, NodeEngine>();
  /** When each forgotten client was forgotten, oldest first. */
  readonly #tombstones = new Map<string, number>();
  #generation = 0;
  /** Until then a client that is not known may be one that was forgotten. */
  #doubtUntil = Number.NEGATIVE_INFINITY;

  /** `nodeId`: 8 random bytes, new for each start of the node. Throws ProtocolError CONFIG_INVALID, CONFIG_UNKNOWN_KEY. */
  constructor(nodeId: Uint8Array, options: AssociationTableOptions = {}) {
    const { maxAssociations, forgetAfterMs, tombstoneMs, maxTombstones, ...rest } = options;
    const given = { maxAssociations, forgetAfterMs, tombstoneMs, maxTombstones };
    this.#limits = resolveRules(RULES, given, 'association table options');
    const engine = resolveStreamOptions(rest);
    this.#nodeId = nodeId.slice();
    this.#options = engine;
    this.#budgets = {
      receive: new Budget(engine.receiveBudgetBytes),
      send: new Budget(engine.sendBudgetBytes),
      flow: new Budget(engine.flowBudgetBytes),
    };
  }

  get size(): number {
    return this.#engines.size;
  }

  /** All associations. */
  engines(): IterableIterator<NodeEngine> {
    return this.#engines.values();
  }

  /**
   * The association of a packet, made if need be. `keyId` names the access key that the packet was authenticated with.
   * Undefined when there are too many; nothing is answered then.
   */
  associate(keyId: string, packet: PacketValue, now: number): NodeEngine | undefined {
    const id = `${keyId}:${hex(packet.cid)}`;
    const known = this.#engines.get(id);
    if (known !== undefined) return known;
    this.#forgetTombstones(now);
    if (this.#engines.size >= this.#limits.maxAssociations && !this.#evict(now)) return undefined;
    // A client that names an epoch was here, or with an earlier instance: its first packets may still be under way.
    const returns = packet.epoch !== undefined || this.#tombstones.has(id) || now < this.#doubtUntil;
    const epoch = makeEpoch(this.#nodeId, this.#generation++, returns);
    const engine = new NodeEngine(packet.cid, epoch, this.#sharesOfOne(), now);
    this.#engines.set(id, engine);
    return engine;
  }

  /** Forgets clients that were silent for too long; gives their engines, whose `pollEvent` tells what was cut. */
  sweep(now: number): NodeEngine[] {
    const gone: NodeEngine[] = [];
    for (const [id, engine] of this.#engines) {
      if (engine.heardAt + this.#limits.forgetAfterMs > now) continue;
      this.#forget(id, engine, now);
      gone.push(engine);
    }
    this.#forgetTombstones(now);
    return gone;
  }

  /** When `sweep` has something to do, ms. */
  pollTimeout(): number | undefined {
    let at: number | undefined;
    for (const engine of this.#engines.values()) {
      at = Math.min(at ?? Number.POSITIVE_INFINITY, engine.heardAt + this.#limits.forgetAfterMs);
    }
    return at;
  }

  /** Memory that all associations answer for. */
  bytesHeld(): number {
    let bytes = this.#tombstones.size * TOMBSTONE_COST_BYTES;
    for (const engine of this.#engines.values()) bytes += engine.bytesHeld();
    return bytes;
  }

  #forget(id: string, engine: NodeEngine, now: number): void {
    engine.close(now);
    this.#engines.delete(id);
    this.#tombstones.delete(id);
    this.#tombstones.set(id, now);
    if (this.#tombstones.size <= this.#limits.maxTombstones) return;
    const [oldest] = this.#tombstones.keys();
    this.#tombstones.delete(oldest!);
    this.#doubtUntil = now + this.#limits.tombstoneMs;
  }

  #forgetTombstones(now: number): void {
    for (const [id, at] of this.#tombstones) {
      if (at + this.#limits.tombstoneMs > now) break;
      this.#tombstones.delete(id);
    }
  }

  /** What one client may use of what all share. */
  #sharesOfOne(): StreamShares {
    const { receive, send, flow } = this.#budgets;
    return {
      options: this.#options,
      receiveBudget: new ReceiveBudget(receive.totalBytes, receive),
      sendBudget: send.user(),
      flowBudget: flow,
    };
  }

  /** Makes room: the longest silent client without streams goes. */
  #evict(now: number): boolean {
    let oldest: [string, NodeEngine] | undefined;
    for (const entry of this.#engines) {
      if (entry[1].liveStreams === 0 && entry[1].heardAt < (oldest?.[1].heardAt ?? now)) oldest = entry;
    }
    if (oldest === undefined) return false;
    this.#forget(oldest[0], oldest[1], now);
    return true;
  }
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
