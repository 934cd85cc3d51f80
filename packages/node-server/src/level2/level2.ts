import { type AbortLike, LIMITS } from '@millrace/protocol';
import { BodyBuffers, type PacketValue } from '@millrace/protocol/level2';
import { AssociationTable, type AssociationTableOptions, type NodeEngine } from '@millrace/protocol/stream';
import type { Answer } from '../carriers/exchanger.js';
import { codeOf, NodeError } from '../errors.js';
import { Answers } from './answers.js';
import { Association, type AssociationOptions } from './association.js';
import type { OpenContext } from './opened.js';
import { PinnedBodies } from './pinned-bodies.js';
import { ViewedBodies } from './viewed-bodies.js';

/** What level 2 uses of the rest of the node. */
export interface Level2Options extends Omit<OpenContext, 'pins'> {
  /** 8 random bytes, new for each start. */
  nodeId: Uint8Array;
  engine: AssociationTableOptions;
  /** Silence after which a client is forgotten, ms. */
  clientIdleMs: number;
}

/** Names the node's one access key. */
const KEY_ID = 'key';

/** Most bytes of a packet that still fits into a body as text. */
const MAX_TEXT_PACKET_BYTES = (LIMITS.maxBodyBytes / 4) * 3 - 3;

/** What level 2 holds now. */
export interface Level2Stats {
  clients: number;
  /** Streams and flows open. */
  channels: number;
  /** Exchanges whose answer is owed. */
  exchanges: number;
  /** Bytes that the engines answer for. */
  engineBytes: number;
  /** Bytes on their way between engine and sockets, and in answers that have not left. */
  bufferedBytes: number;
}

/** Level 2 of the wire: all clients, and what they share. Carriers bring packets decoded and authenticated. */
export class Level2 {
  readonly #options: Level2Options;
  readonly #table: AssociationTable;
  readonly #associations = new Map<NodeEngine, Association>();
  readonly #answers: Answers;
  readonly #pins: PinnedBodies;
  readonly #viewed: ViewedBodies;
  /** Memory for bodies, of requests and answers. */
  readonly buffers: BodyBuffers;
  readonly #perAssociation: AssociationOptions;
  /** Engines that failed. The table keeps them until their clients were silent for long enough. */
  readonly #broken = new WeakSet<NodeEngine>();
  #exchanges = 0;
  #lastClient = 0;
  #draining = false;
  #cancelSweep: (() => void) | undefined;

  constructor(options: Level2Options) {
    const { limits, engine, clientIdleMs } = options;
    this.#options = options;
    this.#table = new AssociationTable(options.nodeId, { ...engine, forgetAfterMs: clientIdleMs });
    this.#answers = new Answers(limits.maxAnswerBytes);
    this.#pins = new PinnedBodies(limits.maxPinnedBytes);
    this.#viewed = new ViewedBodies(limits.maxViewedBytes);
    this.buffers = new BodyBuffers(limits.maxSpareBytes);
    const nextExchange = (): number => this.#exchanges++;
    const faulty = (engine: NodeEngine, error: unknown): void => {
      this.#broken.add(engine);
      options.events.emit({ event: 'refused', code: codeOf(error) });
      engine.close(options.clock.now());
      this.#forget(engine);
    };
    this.#perAssociation = {
      ...options,
      pins: this.#pins,
      answers: this.#answers,
      viewed: this.#viewed,
      buffers: this.buffers,
      nextExchange,
      faulty,
    };
  }

  /**
   * Takes a request of a client; the answer comes now or later. `text`: it came as text. `memory`: what the packet is a view
   * of, where that was lent out.
   * @throws NodeError `NODE_BUSY` when there are too many clients; the promise rejects with `ABORTED` when nobody waits.
   */
  exchange(packet: PacketValue, text: boolean, signal: AbortLike, memory?: Uint8Array): Promise<Answer> {
    const association = this.#associate(packet);
    const most = Math.min(this.#options.limits.maxAnswerBytes, text ? MAX_TEXT_PACKET_BYTES : LIMITS.maxBodyBytes - 1);
    // A client that waits for an answer is not silent: no answer may take as long as it takes to be forgotten.
    if (packet.hold !== undefined) packet.hold = Math.min(packet.hold, this.#options.clientIdleMs / 2);
    if (packet.max !== undefined) packet.max = Math.min(packet.max, most);
    return association.exchange(packet, text, signal, memory);
  }

  stats(): Level2Stats {
    let exchanges = 0;
    let channels = 0;
    let engineBytes = 0;
    let bufferedBytes = this.#answers.bytes + this.#pins.bytes + this.#viewed.bytes;
    for (const association of this.#associations.values()) {
      exchanges += association.exchanges;
      engineBytes += association.engine.bytesHeld();
      for (const { channel } of association.channels) {
        if (channel === undefined) continue;
        channels++;
        bufferedBytes += channel.heldBytes;
      }
    }
    return { clients: this.#associations.size, channels, exchanges, engineBytes, bufferedBytes };
  }

  /** Answers are not held any more for clients that have no streams, so that requests come to their end. */
  drain(): void {
    this.#draining = true;
    for (const association of this.#associations.values()) association.drain();
  }

  /** Cuts every stream and flow. Resolves when the answers that tell clients of it have left. */
  async cutAll(): Promise<void> {
    await Promise.all([...this.#associations.values()].map((association) => association.cutAll()));
  }

  /** Ends everything at once. */
  close(): void {
    this.#cancelSweep?.();
    for (const engine of this.#associations.keys()) {
      engine.close(this.#options.clock.now());
      this.#forget(engine);
    }
  }

  #associate(packet: PacketValue): Association {
    const { clock } = this.#options;
    const engine = this.#table.associate(KEY_ID, packet, clock.now());
    if (engine === undefined) throw new NodeError('NODE_BUSY', 'the node holds as many clients as it may');
    const known = this.#associations.get(engine);
    if (known !== undefined) return known;
    if (this.#broken.has(engine)) throw new NodeError('INTERNAL', 'the engine of this client has failed');
    const association = new Association(++this.#lastClient, engine, this.#perAssociation);
    if (this.#draining) association.drain();
    this.#associations.set(engine, association);
    // The table may have dropped one to make room.
    if (this.#associations.size > this.#table.size) this.#forgetDropped();
    this.#planSweep();
    return association;
  }

  #forgetDropped(): void {
    const kept = new Set(this.#table.engines());
    for (const engine of this.#associations.keys()) if (!kept.has(engine)) this.#forget(engine);
  }

  #forget(engine: NodeEngine): void {
    const association = this.#associations.get(engine);
    this.#associations.delete(engine);
    association?.close();
  }

  #planSweep(): void {
    const { clock } = this.#options;
    if (this.#cancelSweep !== undefined) return;
    const at = this.#table.pollTimeout();
    if (at === undefined) return;
    this.#cancelSweep = clock.after(Math.max(0, at - clock.now()), () => {
      this.#cancelSweep = undefined;
      for (const engine of this.#table.sweep(clock.now())) this.#forget(engine);
      this.#planSweep();
    });
  }
}
