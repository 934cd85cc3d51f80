import type { ExchangeRound } from './exchange-rate.js';

const KIB = 1024;
/** Body that the first bulk exchange of a path may carry, while nothing is known of its rate. */
const FIRST_BODY_BYTES = 512 * KIB;
/** Least body of bulk, whatever the rate. */
const LEAST_BULK_BYTES = 256 * KIB;
const LEAST_QUICK_BYTES = 64 * KIB;
/**
 * A body of bulk takes this long at the path's rate, ms, or this share of the base round trip if that is more: large enough
 * to be worth its request, small against what is under way, so that the legs of a relay are filled at the same time.
 */
const BULK_MS = 100;
const MOST_BULK_MS = 1000;
/** So many places carry nothing of a transfer in one direction: that kept for what is urgent, and those whose bodies are on the legs. */
const FEW_PLACES = 3;
/** Where places are so few that bodies have to be larger by this, the pace is so much above the rate: places bound what queues. */
const FEW_FACTOR = 1.5;
const FEW_PACE = 1.25;
const BULK_SHARE = 1 / 8;
/** After a pause bodies begin with this, ms, so that both legs are busy soon; each answer lets the next ones take so much more. */
const FIRST_BULK_MS = 30;
const BULK_GROWTH = 1.3;
/** On shorter ways, ms, they do not: what each request costs matters more there. */
const NEAR_MS = 5;
/** While small messages travel beside bulk, a body takes this long, or this share of the base round trip if that is more. */
const QUICK_MS = 12;
const QUICK_SHARE = 1 / 8;
/** Pace before the first body tells a rate, bytes per ms (100 Mbit/s); afterwards at the start at least this share of it. */
const FIRST_PACE = 12_500;
const LEAST_FIRST_SHARE = 1 / 4;
const LEAST_FIRST_BYTES = 1024 * KIB;
const MOST_FIRST_BYTES = 12_288 * KIB;
/** While the window still grows: the delivered rate will turn out higher. */
const START_GAIN = 2;
/** The pace without a queue, in shares of the rate, and the most that is believed of the rate, in shares of what is delivered. */
const PACE_GAIN = 1.02;
const RATE_GAIN = 1.25;
/** Growth of the rate that counts as more. */
const GROWTH = 1.25;
/** Rounds without growth after which the start is over. */
const FLAT_ROUNDS = 3;
/** Legs of a relay that takes in whole bodies. One that took less than its time on so many was quicker than the rate explains. */
const LEGS = 2;
const AHEAD_LEGS = 1.25;
/** What took less beside the least round trip tells no rate, ms. */
const LEAST_TIMED_MS = 1;
/** In flight beyond the base: a body on each leg, and as many that wait; fewer beside small messages. */
const BODIES = 3;
const QUICK_BODIES = 3;
/** How much of the largest body of late counts after each one more. */
const BODY_MEMORY = 0.75;
/** Bound of what is in flight, in shares of the bandwidth-delay product. It is the pace that keeps queues short. */
const GAIN = 1.1;
const QUICK_GAIN = 1;
/** The queueing delay is smoothed over so many bodies. */
const SMOOTH_BODIES = 3;
/** A queue of more bodies than this is drained: the pace falls by a share for each of them, but not below the least. */
const MOST_QUEUED = 0.5;
const DRAIN_SHARE = 0.05;
const LEAST_PACE = 0.8;

/** An exchange that was answered. */
export interface AnsweredBody {
  bytes: number;
  /** Its time beside its hold, ms. */
  sampleMs: number;
  /** Least round trip of the path, ms. */
  baseMs: number;
  /** The window kept others back. */
  limited: boolean;
  /** It was sent to carry bulk, so that its time is that of the bytes and not of waiting at the node. */
  timed: boolean;
}

/**
 * How much may be under way on one relay, at what pace, and in bodies of what size, aimed at the bandwidth-delay product
 * (R12). At the start the window grows by what is delivered, until the rate no longer grows or a queue stands. Then the pace
 * follows the delivered rate: a little above it while no queue stands, below while one does (as in Copa and BBR), so that
 * bodies seldom share a leg; the window bounds it.
 */
export class ExchangeWindow {
  #window = LEAST_FIRST_BYTES;
  #bulkMs = FIRST_BULK_MS;
  #lastBody = LEAST_BULK_BYTES;
  #quick = false;
  #starting = true;
  #moved = false;
  #best = 0;
  #bodyRate = 0;
  #quickestBytes = 0;
  #quickestMs = 0;
  #flat = 0;
  #queued = 0;
  #ahead = false;
  #few = false;

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
    return this.#starting ? 0 : this.#rate;
  }

  /**
   * What the quickest body tells, unless much less is delivered and bodies take as long as that explains. What is delivered is
   * never more than what was sent: with it alone each pause of either end would leave less to be sent, for long.
   */
  get #rate(): number {
    return this.#ahead && !this.#quick && this.#bodyRate > 0 ? this.#bodyRate : this.#deliveredRate;
  }

  get #deliveredRate(): number {
    const most = (this.#quick ? 1 : RATE_GAIN) * this.#best;
    return this.#bodyRate > 0 ? Math.min(most, this.#bodyRate) : most;
  }

  /** The rate is not known yet: no wait should be long that follows from it. */
  get unsure(): boolean {
    return this.#starting && !this.#few;
  }

  /** At most so much is sent in a time, bytes per ms: a little more than the path bears, or less while a queue stands. */
  get paceRate(): number {
    if (this.#starting) {
      if (this.#bodyRate === 0) return FIRST_PACE;
      return Math.max(LEAST_FIRST_SHARE * FIRST_PACE, PACE_GAIN * Math.max(this.#bodyRate, this.#best));
    }
    if (this.#few) return FEW_PACE * this.#best;
    if (this.#queued <= MOST_QUEUED) return PACE_GAIN * this.#rate;
    return Math.max(LEAST_PACE, 1 - DRAIN_SHARE * this.#queued) * this.#rate;
  }

  /**
   * Largest body, at most `most`, where so many exchanges may be under way at once (`places`). `quick`: small messages travel
   * beside it and should not wait for long.
   */
  bodyBytes(most: number, baseMs: number, places: number, quick: boolean): number {
    this.#quick = quick;
    if (quick && !this.#starting) {
      const ms = Math.max(QUICK_MS, baseMs * QUICK_SHARE);
      return Math.min(most, Math.max(LEAST_QUICK_BYTES, Math.floor(this.#rate * ms)));
    }
    const rate = this.#starting ? Math.max(this.#best, this.#bodyRate) : this.#rate;
    // Few places have to carry more each, so that the way is full all the same.
    const fewMs = places > 2 ? baseMs / Math.max(1 / 2, places - FEW_PLACES) : MOST_BULK_MS;
    const fullMs = Math.max(BULK_MS, baseMs * BULK_SHARE);
    const ms = baseMs < NEAR_MS ? fullMs : Math.min(this.#bulkMs, fullMs);
    this.#few = fewMs > FEW_FACTOR * fullMs;
    const least = this.#starting && this.#bodyRate === 0 ? FIRST_BODY_BYTES : LEAST_BULK_BYTES;
    return Math.min(most, Math.max(least, Math.floor(rate * Math.min(MOST_BULK_MS, Math.max(ms, fewMs)))));
  }

  /** Nothing was under way for a while: bodies begin small. */
  rested(): void {
    this.#bulkMs = FIRST_BULK_MS;
  }

  /** A body of bulk was sent, or asked for. */
  used(bytes: number): void {
    // What is small once is not what the next ones will be, unless they are to be small.
    this.#lastBody = this.#quick ? bytes : Math.max(bytes, this.#lastBody * BODY_MEMORY);
  }

  /** The least round trip is known. */
  base(baseMs: number): void {
    if (this.#moved) return;
    const first = FIRST_PACE * baseMs + (BODIES - 1) * FIRST_BODY_BYTES;
    this.#window = Math.min(MOST_FIRST_BYTES, Math.max(LEAST_FIRST_BYTES, first));
  }

  /** An exchange was answered. */
  answered({ bytes, sampleMs, baseMs, limited, timed }: AnsweredBody): void {
    if (bytes >= LEAST_QUICK_BYTES) this.#bulkMs = Math.min(MOST_BULK_MS, this.#bulkMs * BULK_GROWTH);
    if (timed && bytes >= LEAST_QUICK_BYTES) this.#time(bytes, sampleMs, baseMs);
    if (!this.#starting || !limited) return;
    this.#moved = true;
    const most = START_GAIN * this.#best * baseMs + BODIES * this.#lastBody;
    this.#window = Math.max(this.#window, Math.min(this.#window + bytes, most));
    const unqueued = baseMs + (LEGS * bytes) / Math.max(this.#best, 1);
    if (this.#best > 0 && bytes >= LEAST_BULK_BYTES && sampleMs > 1.5 * unqueued + 5) this.#settle(baseMs);
  }

  /** A round ended. `baseMs`: least round trip; `bestRate`: best rate of the last rounds. */
  onRound(round: ExchangeRound, baseMs: number, bestRate: number): void {
    const grew = round.rate > this.#best * GROWTH;
    this.#best = this.#starting ? Math.max(bestRate, round.rate) : bestRate;
    if (!round.limited) return;
    if (this.#starting) {
      if (this.#best * GROWTH > this.#bodyRate && this.#bodyRate > 0) this.#settle(baseMs);
      else if (grew) this.#flat = 0;
      else if (++this.#flat >= FLAT_ROUNDS) this.#settle(baseMs);
      return;
    }
    this.#settle(baseMs);
  }

  /** A body took `ms` longer than the least round trip: its time on the legs, and that in queues. */
  #time(bytes: number, sampleMs: number, baseMs: number): void {
    const rateOf = (of: number, took: number) => (took - baseMs >= LEAST_TIMED_MS ? (LEGS * of) / (took - baseMs) : 0);
    // With the least round trip as it is known now.
    this.#bodyRate = rateOf(this.#quickestBytes, this.#quickestMs);
    const rate = rateOf(bytes, sampleMs);
    if (rate > this.#bodyRate) {
      this.#bodyRate = rate;
      this.#quickestBytes = bytes;
      this.#quickestMs = sampleMs;
    }
    if (this.#rate === 0) return;
    const bodies = ((sampleMs - baseMs) * this.#rate) / bytes;
    this.#queued += (bodies - LEGS - this.#queued) / SMOOTH_BODIES;
    this.#ahead = ((sampleMs - baseMs) * this.#deliveredRate) / bytes < AHEAD_LEGS;
  }

  #settle(baseMs: number): void {
    this.#starting = false;
    const product = (this.#quick ? QUICK_GAIN : GAIN) * this.#rate * baseMs;
    this.#window = product + (this.#quick ? QUICK_BODIES : BODIES) * this.#lastBody;
  }
}
