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

  constructor(send: SendSide, idleTimeoutMs: number, now: number) {
    this.#send = send;
    this.#keepAliveMs = idleTimeoutMs / KEEP_ALIVES;
    this.#saidAt = now;
    this.#measured = now - MEASURE_MS;
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
    return this.dueAt <= now;
  }

  /** A ping is sent: whatever made it due is over. */
  pinged(now: number): void {
    const { probeAt } = this.#send;
    if (probeAt !== undefined && probeAt <= now) this.#send.probed(now);
    if (this.#measureAt === undefined || this.#measureAt > now) return;
    this.#measureAt = undefined;
    this.#measured = now;
  }

  get dueAt(): number {
    return Math.min(
      this.#saidAt + this.#keepAliveMs,
      this.#send.probeAt ?? Number.POSITIVE_INFINITY,
      this.#measureAt ?? Number.POSITIVE_INFINITY,
    );
  }
}
