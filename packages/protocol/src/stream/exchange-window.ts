import type { Round } from './delivery-rate.js';

const KIB = 1024;
/** Piece that the first bulk exchange of a path may carry; doubled with each further one until a rate is known. */
const FIRST_PIECE_BYTES = 512 * KIB;
/** Least piece, whatever the rate. */
const LEAST_BULK_BYTES = 256 * KIB;
const LEAST_QUICK_BYTES = 64 * KIB;
/**
 * A piece of bulk takes this long at the path's rate, ms, or this share of the base round trip if that is more: large enough
 * to be worth its request, small against what is under way, so that the legs of a relay are filled at the same time.
 */
const BULK_MS = 125;
const MOST_BULK_MS = 1000;
const BULK_SHARE = 1 / 8;
/** While the window still grows: the rate will turn out higher. */
const START_GAIN = 2;
/** While small messages travel beside bulk, a piece takes this long, or this share of the base round trip if that is more. */
const QUICK_MS = 12;
const QUICK_SHARE = 1 / 8;
/** Rate assumed for the first window, bytes per ms: 100 Mbit/s. */
const FIRST_RATE = 25_000;
const FIRST_PACE = 12_500;
const LEAST_FIRST_BYTES = 1024 * KIB;
const MOST_FIRST_BYTES = 12_288 * KIB;
/** Growth of the rate that counts as more. */
const GROWTH = 1.25;
/** Rounds without growth after which the start is over. */
const FLAT_ROUNDS = 3;
/** In flight beyond the base: a piece on each leg of a relay that takes in whole bodies, and one that waits. */
const PIECES = 3;
/** How much of the largest piece of late counts after each one more. */
const PIECE_MEMORY = 0.75;
/** Share of the bandwidth-delay product that is in flight; once in a while more, to see whether the path bears it. */
const GAIN = 1.25;
const QUICK_GAIN = 1;
const PROBE_GAIN = 2;
const PROBE_ROUNDS = 8;

/**
 * How much may be under way on one relay, and in pieces of what size, aimed at the bandwidth-delay product (R12). At
 * the start the window grows by what is delivered, until the rate no longer grows or a queue stands; then it follows from
 * the best rate and the least round trip (as in BBR, draft-cardwell-iccrg-bbr-congestion-control), so that no queue stands for long.
 */
export class ExchangeWindow {
  #window = LEAST_FIRST_BYTES;
  #piece = FIRST_PIECE_BYTES;
  #lastPiece = LEAST_BULK_BYTES;
  #quick = false;
  #starting = true;
  #moved = false;
  #best = 0;
  #flat = 0;
  #rounds = 0;
  #gain = GAIN;

  /** Still growing by what is delivered. */
  get starting(): boolean {
    return this.#starting;
  }

  /** Bytes that may be under way. */
  get bytes(): number {
    return this.#window;
  }

  /** Best rate of the last rounds, bytes per ms; 0 while it is not known. */
  get rate(): number {
    return this.#starting ? 0 : this.#best;
  }

  /** At most so much is sent in a time, bytes per ms: a little more than the path bears. */
  get paceRate(): number {
    if (this.#starting) return Math.max(FIRST_PACE, START_GAIN * this.#best);
    return this.#gain * this.#best;
  }

  /**
   * Largest body, at most `most`, where so many exchanges may be under way at once (`places`). `quick`: small messages travel
   * beside it and should not wait for long.
   */
  pieceBytes(most: number, baseMs: number, places: number, quick: boolean): number {
    const rate = this.#best;
    this.#quick = quick;
    if (quick && !this.#starting) {
      return Math.min(most, Math.max(LEAST_QUICK_BYTES, Math.floor(rate * Math.max(QUICK_MS, baseMs * QUICK_SHARE))));
    }
    // Few places have to carry more each, so that the way is full all the same.
    const fewMs = places > PIECES ? baseMs / (places - 2) : MOST_BULK_MS;
    const ms = Math.min(MOST_BULK_MS, Math.max(BULK_MS, baseMs * BULK_SHARE, fewMs));
    const bulk = Math.max(LEAST_BULK_BYTES, Math.floor(rate * ms));
    if (this.#starting) return Math.min(most, this.#piece, Math.max(FIRST_PIECE_BYTES, 2 * bulk));
    return Math.min(most, bulk);
  }

  /** A piece of bulk was sent, or asked for. */
  used(bytes: number): void {
    this.#piece = Math.min(2 ** 30, this.#piece * 4);
    // What is small once is not what the next ones will be, unless they are to be small.
    this.#lastPiece = this.#quick ? bytes : Math.max(bytes, this.#lastPiece * PIECE_MEMORY);
  }

  /** The least round trip is known. */
  base(baseMs: number): void {
    if (this.#moved) return;
    this.#window = Math.min(MOST_FIRST_BYTES, Math.max(LEAST_FIRST_BYTES, FIRST_RATE * baseMs));
  }

  /** An exchange moved `bytes` and took `sampleMs` beside its hold; `limited`: the window kept others back. */
  answered(bytes: number, sampleMs: number, baseMs: number, limited: boolean): void {
    if (!this.#starting || !limited) return;
    this.#moved = true;
    const most = START_GAIN * this.#best * baseMs + 2 * PIECES * this.#lastPiece;
    this.#window = Math.max(this.#window, Math.min(this.#window + bytes, most));
    const unqueued = baseMs + (2 * bytes) / Math.max(this.#best, 1);
    if (this.#best > 0 && bytes >= LEAST_BULK_BYTES && sampleMs > 1.5 * unqueued + 5) this.#settle(baseMs);
  }

  /** A round ended. `baseMs`: least round trip; `bestRate`: best rate of the last rounds. */
  onRound(round: Round, baseMs: number, bestRate: number): void {
    const grew = round.rate > this.#best * GROWTH;
    this.#best = Math.max(bestRate, round.rate);
    if (!round.limited) return;
    this.#rounds++;
    if (this.#starting) {
      if (grew) this.#flat = 0;
      else if (++this.#flat >= FLAT_ROUNDS) this.#settle(baseMs);
      return;
    }
    this.#gain = this.#quick ? QUICK_GAIN : this.#rounds % PROBE_ROUNDS === 0 ? PROBE_GAIN : GAIN;
    this.#settle(baseMs);
  }

  #settle(baseMs: number): void {
    this.#starting = false;
    this.#window = this.#gain * this.#best * baseMs + (this.#quick ? PIECES - 1 : PIECES) * this.#lastPiece;
  }
}
