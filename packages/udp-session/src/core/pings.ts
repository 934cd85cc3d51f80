import type { Earliest } from './earliest.js';
import type { SendSide } from './send-side.js';

/** A session that sends nothing shows itself this often within the idle time. */
const KEEP_ALIVES = 4;
/** A receiver that sends nothing measures the round trip this often while shards come, ms. */
const MEASURE_MS = 1000;

/** When the peer is to be asked for a sign: to keep the session alive, to measure the round trip, for a report that is overdue. */
export class Pings {
  readonly #send: SendSide;
  readonly #keepAliveMs: number;
  #saidAt: number;
  #measured: number;
  #measureAt: number | undefined;

  /** @param atOnce Whether the first ping is due now. */
  constructor(send: SendSide, idleTimeoutMs: number, atOnce: boolean, now: number) {
    this.#send = send;
    this.#keepAliveMs = idleTimeoutMs / KEEP_ALIVES;
    this.#saidAt = now;
    this.#measured = now - MEASURE_MS;
    if (atOnce) this.#measureAt = now;
  }

  /** A packet was sent. */
  said(now: number): void {
    this.#saidAt = now;
  }

  /** A shard came. */
  received(now: number): void {
    this.#measureAt ??= Math.max(now, this.#measured + MEASURE_MS);
  }

  isDue(now: number): boolean {
    return (
      this.#saidAt + this.#keepAliveMs <= now ||
      (this.#measureAt !== undefined && this.#measureAt <= now) ||
      this.#send.isProbeDue(now)
    );
  }

  /** A ping is sent: whatever made it due is over. */
  pinged(now: number): void {
    if (this.#send.isProbeDue(now)) this.#send.probed(now);
    if (this.#measureAt === undefined || this.#measureAt > now) return;
    this.#measureAt = undefined;
    this.#measured = now;
  }

  /** Adds when a ping is due. */
  addTimes(earliest: Earliest): void {
    earliest.add(this.#saidAt + this.#keepAliveMs);
    earliest.add(this.#measureAt);
    this.#send.addProbeTime(earliest);
  }
}
