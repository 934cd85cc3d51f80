import { AssociationTable, ClientEngine, KIND_STREAM, type NodeEngine } from '@millrace/protocol/stream';

const RELAY = 'relay';
/** More rounds than any task takes: a pair that gets nowhere is an error, not an endless run. */
const MOST_ROUNDS = 1_000_000;

/**
 * Both engines joined by a perfect relay: what one sends is with the other at once, in order. Time is virtual and moves
 * only where both wait for it.
 */
export class EnginePair {
  readonly client: ClientEngine;
  readonly node: NodeEngine;
  now = 0;
  /** Told of each event of the node, and of the client. */
  onNode: (event: { type: string; sid?: number }) => void = () => undefined;
  onClient: (event: { type: string; sid?: number }) => void = () => undefined;
  #exchange = 0;

  constructor() {
    const cid = Uint8Array.from({ length: 16 }, (_, i) => i);
    this.client = new ClientEngine(cid);
    this.client.addPath(RELAY, { paired: true, concurrency: 8 });
    const table = new AssociationTable(Uint8Array.from({ length: 8 }, (_, i) => 100 + i));
    const node = table.associate('key', { n: 0, cid }, 0);
    if (!node) throw new Error('the node takes no association');
    this.node = node;
  }

  /** Opens a stream; its dial succeeds at once. */
  open(): number {
    const sid = this.client.open({ host: 'example.org', port: 80, kind: KIND_STREAM }, this.now);
    if (sid === undefined) throw new Error('no stream can be opened');
    return sid;
  }

  /** Exchanges packets until `done`. */
  run(done: () => boolean): void {
    for (let round = 0; !done(); round++) {
      if (round > MOST_ROUNDS) throw new Error('the engines get nowhere');
      if (!this.#step()) this.#wait();
    }
  }

  /** Everything that can be done now; false when that was nothing. */
  #step(): boolean {
    let moved = false;
    for (let out = this.client.pollTransmit(this.now); out; out = this.client.pollTransmit(this.now)) {
      moved = true;
      this.node.handleExchange(this.#exchange++, out.packet, this.now);
    }
    moved = this.#events() || moved;
    for (let out = this.node.pollTransmit(this.now); out; out = this.node.pollTransmit(this.now)) {
      moved = true;
      this.client.handlePacket(RELAY, out.packet, this.now);
    }
    return this.#events() || moved;
  }

  #events(): boolean {
    let any = false;
    for (let event = this.node.pollEvent(); event; event = this.node.pollEvent()) {
      any = true;
      if (event.type === 'open') this.node.dialed(event.sid, { code: '' }, this.now);
      this.onNode(event);
    }
    for (let event = this.client.pollEvent(); event; event = this.client.pollEvent()) {
      any = true;
      this.onClient(event);
    }
    return any;
  }

  #wait(): void {
    const times = [this.client.pollTimeout(), this.node.pollTimeout()].filter((at) => at !== undefined);
    if (times.length === 0) throw new Error('both engines wait for ever');
    // At least a little, so that a deadline that was just handled cannot hold the clock.
    this.now = Math.max(this.now + 0.001, Math.min(...times));
    this.client.handleTimeout(this.now);
    this.node.handleTimeout(this.now);
  }
}
