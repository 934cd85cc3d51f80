import type { PacketRangeValue } from './packet.js';
import { Ranges } from './ranges.js';

/**
 * The peer's packet numbers that arrived. What falls out of the bounded memory counts as not seen: such a packet is
 * taken again, which changes nothing, since everything in it is idempotent.
 */
export class PacketWindow {
  readonly #seen: Ranges;

  constructor(maxRanges: number) {
    this.#seen = new Ranges(maxRanges, 'forget');
  }

  get rangeCount(): number {
    return this.#seen.count;
  }

  /** Notes number `n`; false when it was seen before. */
  add(n: number): boolean {
    if (this.#seen.has(n)) return false;
    this.#seen.add(n, n + 1);
    return true;
  }

  has(n: number): boolean {
    return this.#seen.has(n);
  }

  /** The newest ranges for `got`, at most `max`, lowest first; undefined when nothing arrived. */
  got(max: number): PacketRangeValue[] | undefined {
    const { spans } = this.#seen;
    if (spans.length === 0) return undefined;
    return spans.slice(-max).map(({ from, to }) => ({ from, to: to - 1 }));
  }
}
