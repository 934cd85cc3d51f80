/** What one report says about the path. */
export interface RateSample {
  /** Bytes per ms that arrived since the report before, over the time in which they came. */
  readonly rate: number;
  /** The same bytes over the time in which they were sent. */
  readonly sentRate: number;
  readonly packets: number;
  readonly lost: number;
  /** The queue on the way, ms. */
  readonly queueMs: number;
  readonly smoothedMs: number;
  readonly leastMs: number;
  /** Whether the sender had less to send than it was allowed. */
  readonly appLimited: boolean;
  readonly now: number;
}

type State = 'startup' | 'drain' | 'up' | 'down' | 'cruise';

/** Doubles the rate each round trip. BBR takes 2.77, for which it pays with a queue of twice the length. */
const STARTUP_GAIN = 2;
const UP_GAIN = 1.25;
/** After an upward probe was right, the next one goes further: a path that became faster is used within a few round trips. */
const FAST_UP_GAIN = 2;
/** Gains with which a queue is drained: the larger it is, the lower. */
const DOWN_GAIN = 0.8;
const LEAST_GAIN = 0.4;
/** A queue that does not shrink by this in a round is not our own. */
const SHRINKING = 0.85;
/** So many rounds lie between two drainings at least. */
const PATIENT_ROUNDS = 2;
/** Rates of so many rounds are remembered; the largest one counts. */
const ROUNDS = 6;
const CRUISE_ROUNDS = 2;
/** A round that is this much better says that the path bears more. */
const GROWTH = 1.12;
const STARTUP_GROWTH = 1.25;
const STARTUP_ROUNDS = 3;
/** Loss of more than this in a round ends an upward probe: random loss stays below it, a policer does not. */
const PROBE_LOSS = 0.2;
/** Fewer packets say nothing: a run of losses may fall into them. */
const LOSSY_PACKETS = 256;
/** How the rate falls with each round of much loss, down to what, and how it comes back. */
const LOSS_FACTOR = 0.8;
const LEAST_CAUTION = 0.25;
const CALM_FACTOR = 1.04;
/**
 * Pacing keeps the queue short; the window only ends what goes into a path that fell silent. It bears reports that come each
 * 25 to 50 ms, of which some in a row get lost.
 */
const REPORTS_MISSED_MS = 100;
/** Before the first measurement, doubled as startup does: 32 packets in a round trip of 20 ms. RFC 6928 allows 10 in any. */
const INITIAL_RATE = 1200;
const LEAST_RATE = 10;

/**
 * The rate of a path, after BBR (draft-ietf-ccwg-bbr): the largest delivered rate of the last rounds, probed upward every few
 * rounds, the queue of a probe drained again. Two things differ. Rates and delays are the receiver's own measurements, so
 * that the way back does not blur them. And while the receiver sees a standing queue, the rate that arrives *is* the rate of
 * the path: it replaces the remembered one after one round, so that a slower path is noticed in two or three rounds.
 */
export class Congestion {
  readonly #maxRate: number;
  #state: State = 'startup';
  readonly #rounds: number[] = [];
  #round = 0;
  #packets = 0;
  #lost = 0;
  #queueMs = 0;
  /** The queue when the state began; while it is drained, that of the round before. */
  #queueBefore = 0;
  #roundsSinceDrain = 0;
  #standing = false;
  /** Below 1 after rounds in which much was lost without a queue: what stands in the way drops rather than delays. */
  #caution = 1;
  #roundEndsAt: number | undefined;
  #roundsInState = 0;
  #fullRate = 0;
  #fullRounds = 0;
  #upGain = UP_GAIN;
  #before = 0;
  #leastMs = 100;
  #measured = false;

  /** @param maxRate bytes per ms. */
  constructor(maxRate = Number.POSITIVE_INFINITY) {
    this.#maxRate = maxRate;
  }

  /** The measured rate of the path, bytes per ms. */
  get rate(): number {
    return this.#measured ? Math.max(LEAST_RATE, ...this.#rounds, this.#round) : INITIAL_RATE;
  }

  /** How fast may be sent now, bytes per ms. */
  get pacingRate(): number {
    return Math.min(this.#maxRate, Math.max(LEAST_RATE, this.rate * this.#gain() * this.#caution));
  }

  /** Whether a queue stood on the way when the last report was made: what was lost then was most likely dropped there. */
  get queued(): boolean {
    return this.#standing;
  }

  /** How many bytes may be under way. */
  get windowBytes(): number {
    const gain = this.#state === 'startup' ? STARTUP_GAIN : 2;
    return Math.max(16 * 1500, gain * this.rate * (this.#leastMs + REPORTS_MISSED_MS));
  }

  /** Begins anew: the path is another one. */
  reset(): void {
    this.#state = 'startup';
    this.#rounds.length = 0;
    this.#round = 0;
    this.#roundEndsAt = undefined;
    this.#roundsInState = 0;
    this.#fullRate = 0;
    this.#fullRounds = 0;
    this.#upGain = UP_GAIN;
    this.#queueMs = 0;
    this.#caution = 1;
    this.#roundsSinceDrain = 0;
    this.#measured = false;
  }

  /** What was lost had another cause than the rate. */
  forgive(): void {
    this.#caution = 1;
    this.#packets = 0;
    this.#lost = 0;
  }

  onReport(sample: RateSample): void {
    this.#leastMs = sample.leastMs;
    this.#queueMs = sample.queueMs;
    this.#standing = sample.queueMs > standingMs(sample);
    // A sender that has little to send shows what it sends, not what the path bears.
    // What was held up on the way, and then came all at once, did not travel faster than it was sent.
    // And what was not sent for caution could have come too.
    const rate = Math.min(sample.rate, sample.sentRate) / this.#caution;
    if (!sample.appLimited || rate > this.rate) {
      this.#round = Math.max(this.#round, rate);
      this.#measured = true;
    }
    this.#packets += sample.packets;
    this.#lost += sample.lost;
    const much = (this.#state === 'startup' ? 1 : 2) * standingMs(sample);
    if (sample.queueMs > much && sample.rate > 0) this.#queued(sample);
    else if (this.#state === 'up' && sample.queueMs > this.#queueBefore + standingMs(sample)) this.#enter('down');
    else if (isDraining(this.#state) && sample.queueMs < standingMs(sample) / 2) this.#enter('cruise');
    this.#roundEndsAt ??= sample.now + sample.smoothedMs;
    if (sample.now >= this.#roundEndsAt) this.#endRound(sample);
  }

  /** While a queue stands on the way, what arrives is what the path bears. */
  #queued(sample: RateSample): void {
    // It cannot bear more than what was sent lately, or there would be no queue.
    const rate = Math.min(sample.rate, Math.max(this.rate, sample.sentRate));
    this.#rounds.length = 0;
    this.#round = rate;
    this.#measured = true;
    this.#upGain = UP_GAIN;
    if (this.#state === 'startup') this.#enter('drain');
    // A queue that stays after it was drained is that of others; to give way to it for ever would be to starve.
    else if (!isDraining(this.#state) && this.#roundsSinceDrain >= PATIENT_ROUNDS) this.#enter('down');
  }

  #gain(): number {
    switch (this.#state) {
      case 'startup':
        return STARTUP_GAIN;
      case 'drain':
      case 'down':
        // The queue is to be gone after a round trip.
        return Math.max(LEAST_GAIN, Math.min(DOWN_GAIN, 1 - this.#queueMs / Math.max(this.#leastMs, 20)));
      case 'up':
        return this.#upGain;
      default:
        return 1;
    }
  }

  #endRound(sample: RateSample): void {
    const round = this.#round;
    const lossy = this.#takeLossy();
    this.#roundEndsAt = sample.now + sample.smoothedMs;
    this.#round = 0;
    this.#roundsInState++;
    this.#roundsSinceDrain++;
    if (round > 0) {
      this.#rounds.push(round);
      if (this.#rounds.length > ROUNDS) this.#rounds.shift();
    } else if (sample.appLimited) {
      if (this.#state === 'up') this.#enter('down');
      return;
    }
    this.#next(round, lossy);
  }

  /** Whether much is lost; asked at the end of each round, answered once enough packets are counted. */
  #takeLossy(): boolean {
    if (this.#packets < LOSSY_PACKETS) return false;
    const lossy = this.#lost / this.#packets > PROBE_LOSS;
    this.#caution = lossy
      ? Math.max(LEAST_CAUTION, this.#caution * LOSS_FACTOR)
      : Math.min(1, this.#caution * CALM_FACTOR);
    this.#packets = 0;
    this.#lost = 0;
    return lossy;
  }

  #next(round: number, lossy: boolean): void {
    switch (this.#state) {
      case 'startup':
        if (round >= this.#fullRate * STARTUP_GROWTH) {
          this.#fullRate = round;
          this.#fullRounds = 0;
        } else this.#fullRounds++;
        if (this.#fullRounds >= STARTUP_ROUNDS || (lossy && this.#fullRounds >= 1)) this.#enter('drain');
        return;
      case 'up':
        if (!lossy && round > this.#before * GROWTH) {
          // It bears more: look for how much at once.
          this.#before = round;
          this.#upGain = FAST_UP_GAIN;
          return;
        }
        if (this.#roundsInState < 2 && !lossy) return;
        this.#upGain = UP_GAIN;
        this.#enter('down');
        return;
      case 'cruise':
        if (this.#roundsInState >= CRUISE_ROUNDS) this.#enter('up');
        return;
      default:
        if (this.#roundsInState < 2) return;
        if (this.#queueMs > SHRINKING * this.#queueBefore) this.#enter('cruise');
        this.#queueBefore = this.#queueMs;
    }
  }

  #enter(state: State): void {
    if (isDraining(this.#state)) this.#roundsSinceDrain = 0;
    this.#state = state;
    this.#roundsInState = 0;
    this.#queueBefore = this.#queueMs;
    if (state === 'up') this.#before = this.rate;
  }
}

function isDraining(state: State): boolean {
  return state === 'drain' || state === 'down';
}

/** A queue of more than this is not noise: a fifth of the round trip, 3 ms at least. */
function standingMs(sample: RateSample): number {
  return Math.max(3, 0.2 * sample.leastMs);
}
