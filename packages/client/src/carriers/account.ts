/** An account of a relay provider: what its relays share. */
import type { ResolvedAccount } from '../options.js';
import { Breaker } from './breaker.js';

/** Requests that are under way at once over all relays of one account, and whether it takes any. */
export class Account {
  /** Names it in events and in what is kept. */
  readonly name: string;
  readonly breaker = new Breaker();
  readonly bounds: ResolvedAccount;
  inFlight = 0;

  constructor(name: string, bounds: ResolvedAccount) {
    this.name = name;
    this.bounds = bounds;
  }

  get maxConcurrent(): number {
    return this.bounds.maxConcurrent;
  }
}
