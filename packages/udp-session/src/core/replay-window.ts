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
  #bits = new Uint32Array(MIN_SPAN / 32);
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
    const at = number & (this.#span - 1);
    this.#bits[at >>> 5]! |= 1 << (at & 31);
    return true;
  }

  /** Widens the window so that it spans at least `numbers`, up to its bound. It never gets narrower. */
  widen(numbers: number): void {
    if (numbers <= this.#span || this.#span === MAX_SPAN) return;
    const old = this.#bits;
    const oldSpan = this.#span;
    while (this.#span < numbers && this.#span < MAX_SPAN) this.#span *= 2;
    this.#bits = new Uint32Array(this.#span / 32);
    for (let number = Math.max(0, this.#largest - oldSpan + 1); number <= this.#largest; number++) {
      const from = number & (oldSpan - 1);
      if ((old[from >>> 5]! & (1 << (from & 31))) === 0) continue;
      const at = number & (this.#span - 1);
      this.#bits[at >>> 5]! |= 1 << (at & 31);
    }
    // What was below the old window counts as seen: it may have been, and must not be accepted twice.
    const floor = Math.max(0, this.#largest - this.#span + 1);
    for (let number = floor; number <= this.#largest - oldSpan; number++) {
      const at = number & (this.#span - 1);
      this.#bits[at >>> 5]! |= 1 << (at & 31);
    }
  }

  #clear(number: number): void {
    const at = number & (this.#span - 1);
    this.#bits[at >>> 5]! &= ~(1 << (at & 31));
  }
}
