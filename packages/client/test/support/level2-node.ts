/** A node of level 2 without sockets, and a carrier to it: targets are what the test makes of each open. */
import { decodeBody, decodePacket, encodeBody, type PacketValue } from '@millrace/protocol/level2';
import { AssociationTable, type AssociationTableOptions, type NodeEngine } from '@millrace/protocol/stream';
import { failed, type Carrier, type CarrierAnswer, type SendOptions } from '../../src/carriers/carrier.js';

/** A stream at the node. */
export interface NodeStream {
  readonly engine: NodeEngine;
  readonly sid: number;
  readonly host: string;
}

export interface Level2NodeOptions {
  readonly engine?: AssociationTableOptions;
  /** The target of a stream was reached; it may write. */
  readonly onOpen?: (stream: NodeStream) => void;
  /** Bytes or the end came. */
  readonly onReadable?: (stream: NodeStream) => void;
  /** There is room to write again. */
  readonly onWritable?: (stream: NodeStream) => void;
}

export class Level2Node {
  readonly #table: AssociationTable;
  readonly #options: Level2NodeOptions;
  readonly #streams = new Map<string, NodeStream>();
  readonly #waiting = new Map<number, (packet: PacketValue) => void>();
  #lastHandle = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Level2NodeOptions = {}) {
    this.#options = options;
    this.#table = new AssociationTable(new Uint8Array(8).fill(7), options.engine);
  }

  /** Streams that were opened and are not over. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Answers one request body, when there is something to say. */
  answer(body: Uint8Array): Promise<Uint8Array> {
    // What a network would have copied: the client's memory stays its own.
    const { packet: bytes, text } = decodeBody(new Uint8Array(body), 'request');
    const packet = decodePacket(bytes);
    const now = performance.now();
    const engine = this.#table.associate('key', packet, now);
    if (engine === undefined) throw new Error('too many clients');
    const handle = ++this.#lastHandle;
    return new Promise((resolve) => {
      this.#waiting.set(handle, (answer) => resolve(encodeBody(answer, { text })));
      engine.handleExchange(handle, packet, now);
      this.run();
    });
  }

  /** Does what the engines want. */
  run(): void {
    const now = performance.now();
    let at = Infinity;
    for (const engine of this.#table.engines()) {
      if ((engine.pollTimeout() ?? Infinity) <= now) engine.handleTimeout(now);
      this.#poll(engine, now);
      at = Math.min(at, engine.pollTimeout() ?? Infinity);
    }
    clearTimeout(this.#timer);
    if (at < Infinity) this.#timer = setTimeout(() => this.run(), Math.max(0, Math.ceil(at - now)));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #poll(engine: NodeEngine, now: number): void {
    for (let more = true; more;) {
      more = false;
      for (let event = engine.pollEvent(); event !== undefined; event = engine.pollEvent()) {
        more = true;
        if (!('sid' in event)) continue;
        const key = `${event.sid}`;
        if (event.type === 'open') {
          const stream = { engine, sid: event.sid, host: event.host };
          this.#streams.set(key, stream);
          engine.dialed(event.sid, { code: '' }, now);
          this.#options.onOpen?.(stream);
        }
        const stream = this.#streams.get(key);
        if (event.type === 'readable' && stream !== undefined) this.#options.onReadable?.(stream);
        if (event.type === 'writable' && stream !== undefined) this.#options.onWritable?.(stream);
        if (event.type === 'reset' || event.type === 'closed') this.#streams.delete(key);
      }
      for (let out = engine.pollTransmit(now); out !== undefined; out = engine.pollTransmit(now)) {
        more = true;
        if (!('exchange' in out)) throw new Error('there are no unpaired paths here');
        this.#waiting.get(out.exchange)?.(out.packet);
        this.#waiting.delete(out.exchange);
      }
    }
  }
}

/** A carrier straight to a `Level2Node`. */
export class Level2Carrier implements Carrier {
  readonly abilities = {
    paired: true,
    ordered: false,
    reliable: false,
    form: 'bytes',
    maxBodyBytes: 64 * 1024 * 1024,
  } as const;
  readonly #node: Level2Node;
  /** Requests so far, under way, and the most that ever were. */
  sent = 0;
  inFlight = 0;
  mostInFlight = 0;
  /** Answers in place of the node, where it gives one. */
  handle: (body: Uint8Array) => CarrierAnswer | undefined = () => undefined;

  constructor(node: Level2Node) {
    this.#node = node;
  }

  prepare(): void {}

  async send(body: Uint8Array, options: SendOptions): Promise<CarrierAnswer> {
    this.sent += 1;
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      return this.handle(body) ?? (await Promise.race([this.#exchange(body, options), aborted(options.signal)]));
    } finally {
      this.inFlight -= 1;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #exchange(body: Uint8Array, { admits }: SendOptions): Promise<CarrierAnswer> {
    const answer = await this.#node.answer(body);
    if (admits?.(answer.byteLength) === false) return failed('RELAY_BODY', 'fake relay: too large', true);
    return { ok: true, body: answer };
  }
}

function aborted(signal: SendOptions['signal']): Promise<CarrierAnswer> {
  return new Promise((resolve) => {
    const answer = failed('ABORTED', 'fake relay: given up', true);
    if (signal?.aborted) resolve(answer);
    signal?.addEventListener('abort', () => resolve(answer));
  });
}
