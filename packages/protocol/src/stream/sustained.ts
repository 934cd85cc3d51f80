/** What was sent counts for about this long, ms. */
const SPAN_MS = 250;
/** More than this within the span is a transfer that lasts. */
const LASTING_BYTES = 1_048_576;

/** Whether bulk has been sent for a while: then a fuller body is worth a short wait. */
export class Sustained {
  #bytes = 0;
  #at = 0;

  add(bytes: number, now: number): void {
    this.#bytes = this.#left(now) + bytes;
    this.#at = now;
  }

  lasts(now: number): boolean {
    return this.#left(now) > LASTING_BYTES;
  }

  #left(now: number): number {
    return this.#bytes * Math.exp((this.#at - now) / SPAN_MS);
  }
}
