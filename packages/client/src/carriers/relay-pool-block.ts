/** Until when all accounts of a tunnel take nothing, and who is told. */
import type { ErrorCode, EventHub, MillraceEvent } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';
import type { Account, AccountBlock } from './account.js';
import type { Relay } from './relay.js';

/** Until when no account takes anything. */
export interface PoolBlock {
  /** When the first of them is expected to take requests again. Probes may pass earlier. */
  readonly until: Date;
  /** How long that is from now, in ms. */
  readonly inMs: number;
  /** Why that one does not now. */
  readonly code: ErrorCode;
  /** What to say about it. */
  readonly message: string;
  /** That account, and the time zone in which its provider counts, where there is one. */
  readonly account: string;
  readonly timeZone: string | undefined;
  /** All of them, and their relays, without secrets. */
  readonly accounts: readonly string[];
  readonly relays: readonly string[];
}

/** Undefined while one of `accounts` takes requests, or is about to find out whether it does. */
export function blockOf(accounts: readonly Account[], relays: readonly Relay[], now: number): PoolBlock | undefined {
  let first: (AccountBlock & { readonly account: Account }) | undefined;
  for (const account of accounts) {
    const block = account.blocked(now);
    if (block === undefined) return undefined;
    if (first === undefined || block.until < first.until) first = { ...block, account };
  }
  if (first === undefined) return undefined;
  const { until, inMs, failure, account } = first;
  return {
    until: new Date(until),
    inMs,
    code: failure.code,
    message: failure.message,
    account: account.label,
    timeZone: failure.code === 'RELAY_QUOTA_DAY' ? account.timeZone : undefined,
    accounts: accounts.map(({ label }) => label),
    relays: relays.map(({ name }) => name),
  };
}

/** Says once that nothing goes on for longer than an open waits, and again when that time turns out to be longer. */
export class BlockTeller {
  readonly #events: EventHub<MillraceEvent>;
  #toldUntil: number | undefined;

  constructor(events: EventHub<MillraceEvent>) {
    this.#events = events;
  }

  /** Looks at `accounts`, and says what is new. */
  look(accounts: readonly Account[], relays: readonly Relay[], now: number): void {
    const block = blockOf(accounts, relays, now);
    if (block === undefined) {
      // One that is being asked may say no again.
      if (accounts.some((account) => account.open(now))) this.#toldUntil = undefined;
      return;
    }
    const until = block.until.getTime();
    if (block.inMs <= CLIENT_LIMITS.openPatienceMs) return;
    if (this.#toldUntil !== undefined && until <= this.#toldUntil + CLIENT_LIMITS.blockedEventMs) return;
    this.#toldUntil = until;
    this.#events.emit({
      event: 'accounts-exhausted',
      code: block.code,
      account: block.account,
      accounts: [...block.accounts],
      relays: [...block.relays],
      until,
      inMs: block.inMs,
      ...(block.timeZone === undefined ? {} : { timeZone: block.timeZone }),
    });
  }
}
