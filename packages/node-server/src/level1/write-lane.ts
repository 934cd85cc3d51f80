import { LIMITS } from '@millrace/protocol';
import { NodeError } from '../errors.js';

/** The order of the writes of one stream that carry `wseq`, counted from 0. It orders writes and nothing else: their ops drain at once. */
export class WriteLane {
  #expected = 0;
  #bytes = 0;
  readonly #waiting = new Map<number, Buffer>();

  /** Bytes of writes that wait for an earlier one. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a write and returns those that may be written now, in order: none when it has to wait.
   * @throws NodeError `SEQ_REPEATED` for a number that was used before, `WRITES_WAITING` when too much waits already.
   */
  accept(wseq: number, bytes: Buffer): Buffer[] {
    if (wseq < this.#expected || this.#waiting.has(wseq)) {
      throw new NodeError('SEQ_REPEATED', `wseq ${wseq} came before`);
    }
    if (wseq > this.#expected) {
      this.#hold(wseq, bytes);
      return [];
    }
    const ready = [bytes];
    for (this.#expected++; ; this.#expected++) {
      const next = this.#waiting.get(this.#expected);
      if (next === undefined) return ready;
      this.#waiting.delete(this.#expected);
      this.#bytes -= next.length;
      ready.push(next);
    }
  }

  /** Forgets what waits, and says how many bytes that were. */
  clear(): number {
    const bytes = this.#bytes;
    this.#waiting.clear();
    this.#bytes = 0;
    return bytes;
  }

  #hold(wseq: number, bytes: Buffer): void {
    if (this.#waiting.size >= LIMITS.maxWaitingWrites || this.#bytes + bytes.length > LIMITS.maxWaitingWriteBytes) {
      throw new NodeError('WRITES_WAITING', `too much waits for wseq ${this.#expected}`);
    }
    this.#waiting.set(wseq, bytes);
    this.#bytes += bytes.length;
  }
}
