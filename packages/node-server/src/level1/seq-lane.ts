/** How an op may enter a {@link SeqLane}: it waits for its turn or has it; its number was used before; too many wait. */
export type Entered = 'entered' | 'repeated' | 'full';

/**
 * The order of the `seq` ops of one stream. Who has the turn holds the stream's lock: it writes, drains, and passes the
 * turn on by {@link advance}, whatever came of it. Pure state; who waits is woken by the stream's watchers.
 */
export class SeqLane {
  readonly #maxWaiting: number;
  /** The number whose turn it is, or whose op has not come yet. */
  #expected = 0;
  #running = false;
  /** Ops that wait, by number, and whether each is in a hurry. */
  readonly #waiting = new Map<number, () => boolean>();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** The number whose turn it is. */
  get expected(): number {
    return this.#expected;
  }

  /** Registers an op. One that has `entered` calls {@link advance} after its turn, or {@link leave} without one. */
  enter(seq: number, inHurry: () => boolean): Entered {
    if (seq < this.#expected || (seq === this.#expected && this.#running) || this.#waiting.has(seq)) return 'repeated';
    if (seq === this.#expected) {
      this.#running = true;
      return 'entered';
    }
    if (this.#waiting.size >= this.#maxWaiting) return 'full';
    this.#waiting.set(seq, inHurry);
    return 'entered';
  }

  /** Whether it is this op's turn. */
  hasTurn(seq: number): boolean {
    return this.#running && seq === this.#expected;
  }

  /** Takes back an op whose turn did not come. Its number may come again. */
  leave(seq: number): void {
    this.#waiting.delete(seq);
  }

  /** Ends the turn: the next number's op has it, if it is here. */
  advance(): void {
    this.#expected++;
    this.#running = this.#waiting.delete(this.#expected);
  }

  /**
   * Whether the op that has the turn should stop waiting for bytes, since one that follows it without a gap cannot wait:
   * it has bytes to write, or nothing else holds up its batch's answer.
   */
  shouldGiveWay(): boolean {
    for (let seq = this.#expected + 1; ; seq++) {
      const inHurry = this.#waiting.get(seq);
      if (inHurry === undefined) return false;
      if (inHurry()) return true;
    }
  }
}
