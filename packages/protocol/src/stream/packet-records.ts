import type { Span } from './ranges.js';
import type { SentItem } from './stream.js';

/** What one record costs, without its items. */
export const RECORD_COST_BYTES = 256;
/** What one item of a record costs. */
export const ITEM_COST_BYTES = 160;
/** Packets given up that are still remembered, so that a late arrival is noticed. */
const MAX_GIVEN_UP = 256;

/** What a packet carried, kept until it is known to have arrived. */
export interface PacketRecord {
  readonly n: number;
  /** Which path took it; undefined for a response. */
  readonly path: string | undefined;
  readonly sentAt: number;
  readonly sizeBytes: number;
  readonly items: readonly SentItem[];
  /** Client: numbers that it reported as lost. */
  readonly reportedLost: readonly Span[];
  /** Node: the request that it answers. */
  readonly answers: number | undefined;
  /** Its place in the order of its unpaired path. */
  order?: number;
  /** `lost`: given up, its content is sent again; it may still arrive. `done`: nothing more is expected. */
  state: 'flight' | 'lost' | 'done';
}

/** Share of the bounds at which nothing more should be sent. */
const FULL_SHARE = 0.75;

/** Called when a record is decided. `wasInFlight`: it had not been given up before. */
export interface RecordListener {
  confirmed(record: PacketRecord, wasInFlight: boolean): void;
  lost(record: PacketRecord): void;
}

/** Own packets by number. Bounded: the oldest beyond the bounds count as lost, which costs time, never data (R2, R3). */
export class PacketRecords {
  readonly #maxRecords: number;
  readonly #maxItems: number;
  readonly #listener: RecordListener;
  #records: PacketRecord[] = [];
  #head = 0;
  #live = 0;
  #items = 0;
  #inFlight = 0;
  #itemsInFlight = 0;
  readonly #givenUp: PacketRecord[] = [];

  constructor(maxRecords: number, maxItems: number, listener: RecordListener) {
    this.#maxRecords = maxRecords;
    this.#maxItems = maxItems;
    this.#listener = listener;
  }

  /** Memory held. */
  get heldBytes(): number {
    return (this.#records.length - this.#head) * RECORD_COST_BYTES + this.#items * ITEM_COST_BYTES;
  }

  get count(): number {
    return this.#live;
  }

  /**
   * So much is in flight that nothing should be added before some of it is decided: what goes beyond the bounds
   * would push out the oldest, to be sent again, and so on without end.
   */
  get full(): boolean {
    return this.#inFlight >= this.#maxRecords * FULL_SHARE || this.#itemsInFlight >= this.#maxItems * FULL_SHARE;
  }

  /** Adds the record of a packet that was just made; numbers only grow. */
  add(record: PacketRecord): void {
    this.#records.push(record);
    this.#live++;
    this.#inFlight++;
    this.#items += record.items.length;
    this.#itemsInFlight += record.items.length;
    while (this.#givenUp.length > 0 && (this.#live > this.#maxRecords || this.#items > this.#maxItems)) {
      this.#finish(this.#givenUp.shift()!);
    }
    while (this.#records.length - this.#head > this.#maxRecords || (this.#items > this.#maxItems && this.#live > 1)) {
      const oldest = this.#records[this.#head]!;
      this.lose(oldest);
      this.#finish(oldest);
    }
  }

  get(n: number): PacketRecord | undefined {
    const record = this.#records[this.#find(n)];
    return record?.n === n && record.state !== 'done' ? record : undefined;
  }

  /** All records that are not done, oldest first. */
  *pending(): Generator<PacketRecord> {
    for (let index = this.#head; index < this.#records.length; index++) {
      const record = this.#records[index]!;
      if (record.state !== 'done') yield record;
    }
  }

  /** The packets `from` to `to`, both included, arrived. */
  confirmRange(from: number, to: number): void {
    const records = this.#records;
    for (let index = this.#find(from); index < records.length && records[index]!.n <= to; index++) {
      this.#confirm(records[index]!);
    }
    this.#prune();
  }

  /** Gives a packet up: what it carried is sent again. It may still arrive. */
  lose(record: PacketRecord): void {
    if (record.state !== 'flight') return;
    record.state = 'lost';
    this.#inFlight--;
    this.#itemsInFlight -= record.items.length;
    this.#listener.lost(record);
    this.#givenUp.push(record);
    if (this.#givenUp.length > MAX_GIVEN_UP) {
      this.#finish(this.#givenUp.shift()!);
      this.#prune();
    }
  }

  /** Forgets everything, without a word to the listener. */
  clear(): void {
    for (const record of this.#records) record.state = 'done';
    this.#records = [];
    this.#givenUp.length = 0;
    this.#head = this.#live = this.#items = this.#inFlight = this.#itemsInFlight = 0;
  }

  #confirm(record: PacketRecord): void {
    if (record.state === 'done') return;
    const wasInFlight = record.state === 'flight';
    this.#finish(record);
    this.#listener.confirmed(record, wasInFlight);
  }

  #finish(record: PacketRecord): void {
    if (record.state === 'done') return;
    if (record.state === 'flight') {
      this.#inFlight--;
      this.#itemsInFlight -= record.items.length;
    }
    record.state = 'done';
    this.#live--;
    this.#items -= record.items.length;
    while (this.#head < this.#records.length && this.#records[this.#head]!.state === 'done') this.#head++;
  }

  #prune(): void {
    const kept = this.#records.length - this.#head;
    if (this.#head > 64 && this.#head > kept) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    } else if (kept > 64 && kept > 2 * this.#live) {
      this.#records = this.#records.filter((record) => record.state !== 'done');
      this.#head = 0;
    }
  }

  /** Index of the first record whose number is `n` or above. */
  #find(n: number): number {
    let low = this.#head;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#records[middle]!.n < n) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
