/**
 * The earliest of several times, ms. What has a time adds it itself: times that go from function to function would each be a new
 * object on the heap, for every batch of packets.
 */
export class Earliest {
  /** Infinity while there is none. */
  at = Number.POSITIVE_INFINITY;

  /** Adds a time; undefined is never. */
  add(at: number | undefined): void {
    if (at !== undefined && at < this.at) this.at = at;
  }
}
