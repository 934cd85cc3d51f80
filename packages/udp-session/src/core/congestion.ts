import { Caution } from './caution.js';
import { QueueShare, type SpacedSample } from './queue-share.js';

/** What one report says about the path. */
export interface RateSample extends SpacedSample {
  /** Bytes per ms that arrived since the report before, over the time in which they came. */
  readonly rate: number;
  /** The same bytes over the time in which they were sent. */
  readonly sentRate: number;
  readonly bytes: number;
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
/**
 * Whoever sends less than the path bears has no queue: what looks like one is most often a process that was held up. So many
 * reports in a row, and it is one.
 */
const SURE_REPORTS = 3;
/** So many rounds lie between two drainings at least. */
const PATIENT_ROUNDS = 2;
/** A queue that does not shrink by this in a round is not waited for. */
const SHRINKING = 0.85;
/** A queue of which less than this part comes from here is that of others; of which more comes from here, one's own again. */
const OTHERS_SHARE = 0.75;
const OWN_SHARE = 0.9;
/** Less than this: what came was slower still than what was sent. The path became slower. */
const LEAST_SHARE = -0.25;
/** While a bottleneck is shared all goes as with BBR: rates of ten rounds count, of eight one is an upward probe, and one drains it. */
const SHARED_ROUNDS = 10;
const SHARED_CRUISE_ROUNDS = 6;
const SHARED_DOWN_GAIN = 0.75;
/** A round that brings less than this part of the best one says that the path became slower. */
const SHARED_LEAST = 0.6;
/** So many rounds without a queue, and it is not shared any more. */
const ALONE_ROUNDS = 8;
/** Rates of so many rounds are remembered; the largest one counts. */
const ROUNDS = 6;
const CRUISE_ROUNDS = 2;
/** A round that is this much better says that the path bears more. */
const GROWTH = 1.12;
const STARTUP_GROWTH = 1.25;
const STARTUP_ROUNDS = 3;
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
  #queueMs = 0;
  /** The queue when the state began. */
  #queueBefore = 0;
  #roundsSinceDrain = 0;
  /** Whether others fill the queue too; and for how many rounds there was none. */
  #shared = false;
  #aloneRounds = 0;
  readonly #queueShare = new QueueShare();
  #standing = false;
  #queuedReports = 0;
  readonly #caution = new Caution();
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
    if (!this.#measured) return INITIAL_RATE;
    let most = Math.max(LEAST_RATE, this.#round);
    for (let i = 0; i < this.#rounds.length; i++) if (this.#rounds[i]! > most) most = this.#rounds[i]!;
    return most;
  }

  /** How fast may be sent now, bytes per ms. */
  get pacingRate(): number {
    return Math.min(this.#maxRate, Math.max(LEAST_RATE, this.rate * this.#gain() * this.#caution.factor));
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
    this.#caution.forget();
    this.#shared = false;
    this.#measured = false;
  }

  /** What was lost had another cause than the rate. */
  forgive(): void {
    this.#caution.forget();
  }

  onReport(sample: RateSample): void {
    this.#leastMs = sample.leastMs;
    this.#queueMs = sample.queueMs;
    this.#standing = sample.queueMs > standingMs(sample);
    // A sender that has little to send shows what it sends, not what the path bears.
    // What was held up on the way, and then came all at once, did not travel faster than it was sent.
    // And what was not sent for caution could have come too.
    const rate = Math.min(sample.rate, sample.sentRate) / this.#caution.factor;
    if (!sample.appLimited || rate > this.rate) {
      this.#round = Math.max(this.#round, rate);
      this.#measured = true;
    }
    // What a full queue drops is no reason for caution: the queue itself says how fast may be sent.
    this.#caution.add(sample.packets, this.#standing ? 0 : sample.lost);
    if (sample.rate > 0) this.#queueShare.add(sample);
    const much = (this.#state === 'startup' ? 1 : 2) * standingMs(sample);
    this.#queuedReports = sample.queueMs > much ? this.#queuedReports + 1 : 0;
    if (this.#standing) this.#aloneRounds = 0;
    if (this.#shared) this.#measured = true;
    else if (sample.queueMs > much && sample.rate > 0 && this.#queuedReports >= (sample.appLimited ? SURE_REPORTS : 1))
      this.#queued(sample);
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
    // What was sent slower came slower still: whose queue it is shows only against the rate of now.
    if ((this.#queueShare.own ?? 0) < LEAST_SHARE || this.#queueShare.isSteady) this.#queueShare.watch(rate);
    if (this.#state === 'startup') this.#enter('drain');
    else if (!isDraining(this.#state)) {
      // What was sent before the last draining has to be through before anything can be said.
      if (this.#roundsSinceDrain >= PATIENT_ROUNDS) this.#enter('down');
    }
    // What was sent before the draining shows how slow the path is; what was sent since shows whose queue it is.
    else if (this.#queueShare.isBefore(sample) && rate < this.#queueShare.rate) this.#queueShare.watch(rate);
  }

  #gain(): number {
    switch (this.#state) {
      case 'startup':
        return STARTUP_GAIN;
      case 'drain':
      case 'down':
        if (this.#shared) return SHARED_DOWN_GAIN;
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
    const lossy = this.#caution.endRound();
    this.#roundEndsAt = sample.now + sample.smoothedMs;
    this.#round = 0;
    this.#roundsInState++;
    this.#roundsSinceDrain++;
    if (round < SHARED_LEAST * this.rate || ++this.#aloneRounds >= ALONE_ROUNDS) this.#shared = false;
    if (round > 0) {
      this.#rounds.push(round);
      if (this.#rounds.length > (this.#shared ? SHARED_ROUNDS : ROUNDS)) this.#rounds.shift();
    } else if (sample.appLimited) {
      if (this.#state === 'up') this.#enter('down');
      return;
    }
    this.#next(round, lossy);
  }

  #next(round: number, lossy: boolean): void {
    if (!this.#shared && this.#state !== 'startup' && this.#standing && this.#isOthers()) {
      this.#share();
      return;
    }
    switch (this.#state) {
      case 'startup':
        if (round >= this.#fullRate * STARTUP_GROWTH) {
          this.#fullRate = round;
          this.#fullRounds = 0;
        } else this.#fullRounds++;
        if (this.#fullRounds >= STARTUP_ROUNDS || (lossy && this.#fullRounds >= 1)) this.#enter('drain');
        return;
      case 'up':
        if (!lossy && !this.#shared && round > this.#before * GROWTH) {
          // It bears more: look for how much at once.
          this.#before = round;
          this.#upGain = FAST_UP_GAIN;
          return;
        }
        if (this.#roundsInState < (this.#shared ? 1 : 2) && !lossy) return;
        this.#upGain = UP_GAIN;
        this.#enter('down');
        return;
      case 'cruise':
        if (this.#roundsInState >= (this.#shared ? SHARED_CRUISE_ROUNDS : CRUISE_ROUNDS)) this.#enter('up');
        return;
      default:
        if (this.#roundsInState < (this.#shared ? 1 : 2)) return;
        if (this.#shared) this.#enter('cruise');
        else if (this.#queueMs > SHRINKING * this.#queueBefore) this.#enter('cruise');
        this.#queueBefore = this.#queueMs;
    }
  }

  #isOthers(): boolean {
    const share = this.#queueShare.own;
    return share !== undefined && share > LEAST_SHARE && share < OTHERS_SHARE;
  }

  /** The queue is that of others too, who do not give way. */
  #share(): void {
    this.#shared = true;
    this.#aloneRounds = 0;
    this.#rounds.length = 0;
    this.#rounds.push(this.#queueShare.rate);
    this.#round = 0;
    this.#enter('up');
  }

  #enter(state: State): void {
    if (isDraining(this.#state)) this.#roundsSinceDrain = 0;
    this.#state = state;
    this.#roundsInState = 0;
    this.#queueBefore = this.#queueMs;
    if (isDraining(state) && !this.#shared) this.#queueShare.watch(this.rate);
    if (state !== 'up') return;
    this.#before = this.rate;
    if (!this.#shared) return;
    // Since the last probe: the queue is one's own again, or there is nobody else any more.
    if ((this.#queueShare.own ?? 0) > OWN_SHARE) this.#shared = false;
    this.#queueShare.watch(this.rate);
  }
}

function isDraining(state: State): boolean {
  return state === 'drain' || state === 'down';
}

/** A queue of more than this is not noise: a fifth of the round trip, 3 ms at least. */
function standingMs(sample: RateSample): number {
  return Math.max(3, 0.2 * sample.leastMs);
}
