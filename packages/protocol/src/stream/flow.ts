import type { Budget } from './budget.js';
import type { SegmentDatagramValue } from './packet.js';

/** What one waiting datagram costs beside its bytes. */
const DATAGRAM_COST_BYTES = 256;
/** Numbers below the highest that are remembered to drop repeats; older ones count as repeats. */
const WINDOW = 1024;

interface Waiting {
  datagram: SegmentDatagramValue;
  since: number;
}

export interface FlowQueueOptions {
  flowQueueDatagrams: number;
  flowQueueBytes: number;
  datagramMaxAgeMs: number;
}

/** Datagrams that wait, oldest first. Bounded in number, bytes and age; the oldest is dropped, and counted. */
export class DatagramQueue {
  readonly #options: FlowQueueOptions;
  readonly #budget: Budget;
  #items: Waiting[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(options: FlowQueueOptions, budget: Budget) {
    this.#options = options;
    this.#budget = budget;
  }

  get count(): number {
    return this.#items.length;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Memory held. */
  get pinnedBytes(): number {
    return this.#bytes;
  }

  /** Adds one. Its bytes are copied where they would keep a larger buffer alive. */
  push(datagram: SegmentDatagramValue, now: number): void {
    const cost = datagramCost(datagram);
    const { flowQueueBytes, flowQueueDatagrams } = this.#options;
    while (
      this.#items.length > 0 &&
      (this.#items.length >= flowQueueDatagrams || this.#bytes + cost > flowQueueBytes || cost > this.#budget.freeBytes)
    ) {
      this.#drop();
    }
    if (cost > this.#budget.freeBytes) {
      this.#dropped++;
      return;
    }
    const d = datagram.d.length * 2 < datagram.d.buffer.byteLength ? datagram.d.slice() : datagram.d;
    this.#items.push({ datagram: { ...datagram, d }, since: now });
    this.#count(cost);
  }

  /** The oldest one that is not too old, without taking it. */
  peek(now: number): SegmentDatagramValue | undefined {
    while (this.#items.length > 0 && now - this.#items[0]!.since > this.#options.datagramMaxAgeMs) this.#drop();
    return this.#items[0]?.datagram;
  }

  /** Takes the oldest one. */
  shift(): SegmentDatagramValue | undefined {
    const item = this.#items.shift();
    if (item !== undefined) this.#count(-datagramCost(item.datagram));
    return item?.datagram;
  }

  clear(): void {
    this.#count(-this.#bytes);
    this.#items = [];
  }

  #drop(): void {
    this.shift();
    this.#dropped++;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.change(0, bytes);
  }
}

function datagramCost(datagram: SegmentDatagramValue): number {
  return datagram.d.length + DATAGRAM_COST_BYTES;
}

/** Both directions of one UDP association. */
export class Flow {
  readonly outgoing: DatagramQueue;
  readonly incoming: DatagramQueue;
  readonly #seen = new Uint8Array(WINDOW);
  #highest = -1;
  #next = 0;

  constructor(options: FlowQueueOptions, budget: Budget) {
    this.outgoing = new DatagramQueue(options, budget);
    this.incoming = new DatagramQueue(options, budget);
  }

  /** Numbers and queues a datagram of the application. */
  send(datagram: Omit<SegmentDatagramValue, 'n'>, now: number): void {
    this.outgoing.push({ ...datagram, n: this.#next++ }, now);
  }

  /** Queues what arrived for the application, unless it is a repeat. */
  receive(datagrams: readonly SegmentDatagramValue[], now: number): boolean {
    let any = false;
    for (const datagram of datagrams) {
      if (!this.#first(datagram.n)) continue;
      this.incoming.push(datagram, now);
      any = true;
    }
    return any;
  }

  get pinnedBytes(): number {
    return this.outgoing.pinnedBytes + this.incoming.pinnedBytes + WINDOW;
  }

  clear(): void {
    this.outgoing.clear();
    this.incoming.clear();
  }

  #first(n: number): boolean {
    if (n <= this.#highest - WINDOW) return false;
    if (n > this.#highest) {
      const steps = Math.min(WINDOW, n - this.#highest);
      for (let step = 0; step < steps; step++) this.#seen[(n - step) % WINDOW] = 0;
      this.#highest = n;
    }
    if (this.#seen[n % WINDOW] === 1) return false;
    this.#seen[n % WINDOW] = 1;
    return true;
  }
}
