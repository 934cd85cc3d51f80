import type { NodeLimits } from '../limits.js';

/** Datagrams in order of arrival, bounded by count and bytes: the oldest goes first when a new one does not fit. */
export class DatagramQueue {
  readonly #limits: Pick<NodeLimits, 'maxFlowDatagrams' | 'maxFlowBytes'>;
  #datagrams: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(limits: Pick<NodeLimits, 'maxFlowDatagrams' | 'maxFlowBytes'>) {
    this.#limits = limits;
  }

  /** Payload bytes inside. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Datagrams inside. */
  get count(): number {
    return this.#datagrams.length;
  }

  /** Adds one and drops as many of the oldest as it takes to stay within the bounds, or all others if `alone`. Returns the change in bytes. */
  push(datagram: Buffer, alone = false): number {
    const before = this.#bytes;
    this.#datagrams.push(datagram);
    this.#bytes += datagram.length;
    const most = alone ? 1 : this.#limits.maxFlowDatagrams;
    let surplus = Math.max(0, this.#datagrams.length - most);
    for (const dropped of this.#datagrams.slice(0, surplus)) this.#bytes -= dropped.length;
    while (this.#bytes > this.#limits.maxFlowBytes && surplus < this.#datagrams.length - 1) {
      this.#bytes -= this.#datagrams[surplus]!.length;
      surplus++;
    }
    if (surplus > 0) this.#datagrams.splice(0, surplus);
    this.#dropped += surplus;
    return this.#bytes - before;
  }

  /** Removes datagrams from the front while they fit into `maxBytes`. */
  take(maxBytes: number): Buffer[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#datagrams.length && bytes + this.#datagrams[count]!.length <= maxBytes) {
      bytes += this.#datagrams[count]!.length;
      count++;
    }
    this.#bytes -= bytes;
    return this.#datagrams.splice(0, count);
  }

  /** Counts datagrams dropped elsewhere, so that one number tells all. */
  countDropped(count: number): void {
    this.#dropped += count;
  }

  /** How many were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Forgets everything and says how many bytes that were. */
  clear(): number {
    const bytes = this.#bytes;
    this.#datagrams = [];
    this.#bytes = 0;
    return bytes;
  }
}
