import type { RateStamp } from './exchange-rate.js';
import type { PacketRecord } from './packet-records.js';

/** What one exchange costs. */
export const EXCHANGE_COST_BYTES = 384;

/** A request under way. */
export interface Exchange {
  readonly n: number;
  readonly record: PacketRecord;
  readonly sentAt: number;
  readonly holdMs: number;
  /** What may come back. */
  readonly maxBytes: number;
  /** What it takes of the window. */
  readonly flightBytes: number;
  readonly stamp: RateStamp;
  /** Its content goes another way too from then on, unless it was answered. Brought forward when later ones are answered. */
  hedgeAt: number;
  readonly patienceAt: number;
  /** It had more time once, since this end was late itself. */
  forgiven: boolean;
  /** One that was sent later was answered: it is most likely lost. */
  overtaken: boolean;
  /** Its content was given up; should an answer come all the same, it is taken. */
  hedged: boolean;
}

/**
 * Brings forward what was sent well before `answered` and could not be held for longer: it should have been answered
 * before (RACK, RFC 8985, for exchanges). Where more is to come back than came with `answered` it gets the time for that.
 * `orderMs`: by how much exchanges may overtake each other; `rate`: bytes per ms.
 */
export function overtake(
  exchanges: Iterable<Exchange>,
  answered: Exchange,
  now: number,
  given: { orderMs: number; movedBytes: number; rate: number },
): void {
  const { orderMs, movedBytes, rate } = given;
  for (const exchange of exchanges) {
    if (exchange.sentAt + orderMs > answered.sentAt) break;
    if (exchange.hedged || exchange.sentAt + exchange.holdMs > answered.sentAt + answered.holdMs) continue;
    exchange.overtaken = true;
    const transferMs = (2 * Math.max(0, exchange.flightBytes - movedBytes)) / rate;
    exchange.hedgeAt = Math.min(exchange.hedgeAt, now + orderMs + transferMs);
  }
}

/** The first answer came: now it is known when the others are late. */
export function expectSooner(
  exchanges: Iterable<Exchange>,
  now: number,
  given: { waitMs: number; rate: number },
): void {
  for (const exchange of exchanges) {
    const at = exchange.sentAt + exchange.holdMs + exchange.flightBytes / given.rate + given.waitMs;
    exchange.hedgeAt = Math.min(exchange.hedgeAt, Math.max(now, at));
  }
}

/** This end was busy: what is due by `now` gets `graceMs` more, once, since its answer may only wait to be read. */
export function forgive(exchanges: Iterable<Exchange>, now: number, graceMs: number): void {
  for (const exchange of exchanges) {
    if (exchange.hedgeAt > now || exchange.forgiven || exchange.patienceAt <= now) continue;
    exchange.forgiven = true;
    exchange.hedgeAt = now + graceMs;
  }
}
