/** Least and most packet numbers that the window spans. */
const MIN_SPAN = 2048;
const MAX_SPAN = 2 ** 19;

/** Why a packet number is refused before anything is opened. */
export type ReplayVerdict = 'fresh' | 'repeated' | 'ancient';

/**
 * Which packet numbers were authenticated, in a window below the largest one. It is looked up before a packet is opened, and
 * changed only by `commit`, after it was: forged numbers never move it. 1 bit a number, 64 KiB at most.
 */
export class ReplayWindow {
  // Signed: an unsigned word with its highest bit set is no small integer, and reading it may take memory.
  #bits = new Int32Array(MIN_SPAN / 32);
  #span = MIN_SPAN;
  #largest = -1;

  /** The largest authenticated number, -1 before the first. */
  get largest(): number {
    return this.#largest;
  }

  /** Numbers at or below `largest - span` are refused. */
  get span(): number {
    return this.#span;
  }

  look(number: number): ReplayVerdict {
    if (number > this.#largest) return 'fresh';
    if (number <= this.#largest - this.#span) return 'ancient';
    return this.has(number) ? 'repeated' : 'fresh';
  }

  /** Whether a number within the window was authenticated. */
  has(number: number): boolean {
    const at = number & (this.#span - 1);
    return (this.#bits[at >>> 5]! & (1 << (at & 31))) !== 0;
  }

  /** Notes an authenticated number. False, and nothing changes, when it was there before or is too old. */
  commit(number: number): boolean {
    if (this.look(number) !== 'fresh') return false;
    if (number > this.#largest) {
      if (number - this.#largest >= this.#span) this.#bits.fill(0);
      else for (let passed = this.#largest + 1; passed < number; passed++) this.#clear(passed);
      this.#largest = number;
    }
    this.#set(number & (this.#span - 1));
    return true;
  }

  /** Widens the window so that it spans at least `numbers`, up to its bound. It never gets narrower. */
  widen(numbers: number): void {
    if (numbers <= this.#span || this.#span === MAX_SPAN) return;
    const old = this.#bits;
    const oldSpan = this.#span;
    while (this.#span < numbers && this.#span < MAX_SPAN) this.#span *= 2;
    this.#bits = new Int32Array(this.#span / 32);
    // Places in both rings, whole numbers of 32 bits: with the packet numbers of a long session each step would take memory.
    const count = Math.min(this.#largest + 1, oldSpan) | 0;
    const from = (this.#largest + 1 - count) & (oldSpan - 1);
    const to = (this.#largest + 1 - count) & (this.#span - 1);
    for (let i = 0; i < count; i++) {
      const at = (from + i) & (oldSpan - 1);
      if ((old[at >>> 5]! & (1 << (at & 31))) !== 0) this.#set((to + i) & (this.#span - 1));
    }
    // What was below the old window counts as seen: it may have been, and must not be accepted twice.
    const below = (Math.min(this.#largest + 1, this.#span) - count) | 0;
    for (let i = 1; i <= below; i++) this.#set((to - i) & (this.#span - 1));
  }

  #set(place: number): void {
    this.#bits[place >>> 5]! |= 1 << (place & 31);
  }

  #clear(number: number): void {
    const at = number & (this.#span - 1);
    this.#bits[at >>> 5]! &= ~(1 << (at & 31));
  }
}
