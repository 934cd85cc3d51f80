/** A half-open range: `from` is in it, `to` is not. */
export interface Span {
  from: number;
  to: number;
}

/**
 * A set of whole numbers as sorted, disjoint, non-touching half-open ranges, at most `max` of them.
 *
 * A set that would grow past `max` either joins the two neighbours with the smallest gap between them (`'join'`: the set
 * then says too much, right for what is to be sent again) or forgets its lowest range (`'forget'`: the set then says
 * too little, right for what was seen).
 */
export class Ranges {
  readonly #max: number;
  readonly #overflow: 'join' | 'forget';
  readonly #spans: Span[] = [];

  constructor(max: number, overflow: 'join' | 'forget') {
    this.#max = max;
    this.#overflow = overflow;
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#spans.length;
  }

  /** How many numbers are in the set. */
  get total(): number {
    let total = 0;
    for (const span of this.#spans) total += span.to - span.from;
    return total;
  }

  /** The lowest range. */
  get first(): Readonly<Span> | undefined {
    return this.#spans[0];
  }

  /** The highest range. */
  get last(): Readonly<Span> | undefined {
    return this.#spans.at(-1);
  }

  /** All ranges, lowest first. Not to be kept across changes. */
  get spans(): readonly Readonly<Span>[] {
    return this.#spans;
  }

  has(value: number): boolean {
    const span = this.#spans[this.#firstEndingAfter(value)];
    return span !== undefined && span.from <= value;
  }

  /** Adds `from` up to but without `to`. */
  add(from: number, to: number): void {
    if (to <= from) return;
    const spans = this.#spans;
    const last = spans.at(-1);
    if (last === undefined || from > last.to) {
      spans.push({ from, to });
    } else if (from >= last.from) {
      if (to > last.to) last.to = to;
      return;
    } else {
      const start = this.#firstEndingAfter(from - 1);
      let end = start;
      let low = from;
      let high = to;
      while (end < spans.length && spans[end]!.from <= high) {
        low = Math.min(low, spans[end]!.from);
        high = Math.max(high, spans[end]!.to);
        end++;
      }
      spans.splice(start, end - start, { from: low, to: high });
    }
    if (spans.length > this.#max) this.#shrink();
  }

  /** Removes `from` up to but without `to`. */
  remove(from: number, to: number): void {
    if (to <= from) return;
    const spans = this.#spans;
    let index = this.#firstEndingAfter(from);
    while (index < spans.length && spans[index]!.from < to) {
      const span = spans[index]!;
      if (span.from < from && span.to > to) {
        spans.splice(index, 1, { from: span.from, to: from }, { from: to, to: span.to });
        if (spans.length > this.#max) this.#shrink();
        return;
      }
      if (span.from < from) {
        span.to = from;
        index++;
      } else if (span.to > to) {
        span.from = to;
        return;
      } else {
        spans.splice(index, 1);
      }
    }
  }

  clear(): void {
    this.#spans.length = 0;
  }

  /** Index of the first range whose end lies above `value`. */
  #firstEndingAfter(value: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle]!.to > value) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #shrink(): void {
    const spans = this.#spans;
    if (this.#overflow === 'forget') {
      spans.shift();
      return;
    }
    let best = 1;
    for (let index = 2; index < spans.length; index++) {
      if (spans[index]!.from - spans[index - 1]!.to < spans[best]!.from - spans[best - 1]!.to) best = index;
    }
    spans[best - 1]!.to = spans[best]!.to;
    spans.splice(best, 1);
  }
}
