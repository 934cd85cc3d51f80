/** Leave to send one request over one relay, and what its outcome says about the relay and its account. */
import type { ErrorCode, EventHub, MillraceEvent } from '@millrace/protocol';
import type { AccountAttempt } from './account.js';
import type { Attempt } from './breaker.js';
import type { CarrierAnswer, CarrierFailed, CarrierFailure, SendOptions } from './carrier.js';
import type { Relay } from './relay.js';

/** What `Lease.exchange` sends. */
export interface Exchange<T> {
  readonly body: Uint8Array;
  /** Operations in it, for the event. */
  readonly ops: number;
  readonly send: SendOptions;
  /** The node may have held the answer back, or dialled: its time says nothing about the relay. */
  readonly held?: boolean;
  /** Failures that say nothing about the relay: what it carries is still being found out. */
  readonly excuses?: (failure: CarrierFailure) => boolean;
  /** Reads the answer; what it finds wrong counts against the relay. */
  readonly decode: (body: Uint8Array) => { readonly ok: true; readonly value: T } | CarrierFailed;
}

/** Leave to send one request over one relay. */
export interface Lease {
  readonly relay: Relay;
  /** Sends it. Never rejects. */
  exchange<T>(exchange: Exchange<T>): Promise<ExchangeResult<T>>;
  /** Does without. */
  giveBack(): void;
}

/** What came of an exchange. */
export type ExchangeResult<T> = { readonly ok: true; readonly value: T } | CarrierFailed;

/** Who hears of a lease. */
export interface LeaseHooks {
  readonly events: EventHub<MillraceEvent>;
  /** It has taken its place. */
  readonly onBegin: () => void;
  /** An exchange worked; `recovered` when it ended a rest. */
  readonly onSuccess: (recovered: boolean) => void;
  /** The relay begins to rest, or its account. */
  readonly onRest: () => void;
  /** Its place is free again. */
  readonly onEnd: () => void;
}

/** With which nothing was sent, unless it is ambiguous. */
const UNSENT: ReadonlySet<ErrorCode> = new Set(['RELAY_OFFLINE', 'RELAY_NAME', 'RELAY_TLS', 'RELAY_SCHEME', 'ABORTED']);

/** Quotas are of the account; everything else is of the relay. */
const OF_ACCOUNT: ReadonlySet<ErrorCode> = new Set(['RELAY_QUOTA_DAY', 'RELAY_QUOTA_RATE']);

/** A larger exchange tells more about its size than about the relay. */
const MEASURED_BYTES = 64 * 1024;

/** Takes a place on `relay`, which must admit it. */
export function createLease(relay: Relay, hooks: LeaseHooks): Lease {
  const now = performance.now();
  const attempts: Attempts = { relay: relay.breaker.begin(), account: relay.account.begin(now) };
  relay.inFlight += 1;
  hooks.onBegin();
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    relay.inFlight -= 1;
    relay.account.end();
    hooks.onEnd();
  };
  return {
    relay,
    exchange: async (exchange) => {
      const result = await run(relay, attempts, exchange, hooks);
      end();
      return result;
    },
    giveBack: () => {
      if (over) return;
      relay.breaker.abandon(attempts.relay);
      relay.account.giveBack(attempts.account);
      end();
    },
  };
}

interface Attempts {
  readonly relay: Attempt;
  readonly account: AccountAttempt;
}

async function run<T>(
  relay: Relay,
  attempts: Attempts,
  exchange: Exchange<T>,
  hooks: LeaseHooks,
): Promise<ExchangeResult<T>> {
  const startedAt = performance.now();
  const answer: CarrierAnswer = await relay.carrier.send(exchange.body, exchange.send);
  let result = answer.ok ? exchange.decode(answer.body) : answer;
  const now = performance.now();
  if (result.ok) {
    relay.proven = true;
    const bytes = exchange.body.byteLength + (answer.ok ? answer.body.byteLength : 0);
    if (!exchange.held && bytes < MEASURED_BYTES) relay.measure(now - startedAt);
    const accountRecovered = relay.account.succeed(attempts.account);
    const recovered = relay.breaker.succeed(attempts.relay) || accountRecovered;
    if (recovered) hooks.events.emit({ event: 'relay-works', relay: relay.name });
    hooks.onSuccess(recovered);
  } else {
    // What could not be handed to the relay does not count there.
    const reached = answer.ok || result.failure.ambiguous || !UNSENT.has(result.failure.code);
    const excused = exchange.excuses?.(result.failure) ?? false;
    noteFailure(relay, attempts, { failure: result.failure, now, reached, excused }, hooks);
    const rest = OF_ACCOUNT.has(result.failure.code) ? relay.account.resting(now)?.failure : undefined;
    // Whoever is told why should hear until when, too.
    if (rest?.code === result.failure.code) {
      result = { ok: false, failure: { ...result.failure, message: rest.message } };
    }
  }
  hooks.events.emit({
    event: 'exchange',
    relay: relay.name,
    ops: exchange.ops,
    bytesOut: exchange.body.byteLength,
    bytesIn: answer.ok ? answer.body.byteLength : 0,
    ms: now - startedAt,
    ...(result.ok ? {} : { code: result.failure.code }),
  });
  return result;
}

interface Outcome {
  readonly failure: CarrierFailure;
  readonly now: number;
  /** The request may have come as far as the relay. */
  readonly reached: boolean;
  readonly excused: boolean;
}

function noteFailure(relay: Relay, attempts: Attempts, outcome: Outcome, hooks: LeaseHooks): void {
  const { failure, now, reached, excused } = outcome;
  const { code, message } = failure;
  const accountRestMs = relay.account.fail(attempts.account, failure, now, reached);
  if (code === 'ABORTED' || excused) {
    relay.breaker.abandon(attempts.relay);
    return;
  }
  relay.proven = false;
  const ofAccount = OF_ACCOUNT.has(code);
  if (ofAccount) relay.breaker.abandon(attempts.relay);
  const restMs = ofAccount ? accountRestMs : relay.breaker.fail(attempts.relay, failure, now);
  if (restMs === undefined) return;
  hooks.events.emit({ event: 'relay-failed', relay: relay.name, code, message, restMs });
  hooks.onRest();
}
