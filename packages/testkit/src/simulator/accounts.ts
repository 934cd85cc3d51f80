/** What an account allows. 0 is without limit. */
export interface AccountLimits {
  readonly concurrency: number;
  readonly dailyRequests: number;
  readonly dayMs: number;
}

interface Use {
  readonly startMs: number;
  day: number;
  concurrent: number;
  today: number;
}

/** What relays use of their accounts. Relays that are given the same one share it, by the names of the accounts. */
export class SimulatedAccounts {
  readonly #uses = new Map<string, Use>();

  /** What is used of an account: requests at once, and since its day began. */
  used(account: string): { readonly concurrent: number; readonly today: number } {
    const { concurrent = 0, today = 0 } = this.#uses.get(account) ?? {};
    return { concurrent, today };
  }

  /** Counts a request that begins. Returns the limit that forbids it, if one does; then nothing is counted. */
  begin(account: string, limits: AccountLimits, nowMs: number): 'concurrency' | 'dailyRequests' | undefined {
    const use = this.#useOf(account, nowMs);
    const day = Math.floor((nowMs - use.startMs) / limits.dayMs);
    if (day !== use.day) {
      use.day = day;
      use.today = 0;
    }
    if (limits.dailyRequests > 0 && use.today >= limits.dailyRequests) return 'dailyRequests';
    if (limits.concurrency > 0 && use.concurrent >= limits.concurrency) return 'concurrency';
    use.today += 1;
    use.concurrent += 1;
    return undefined;
  }

  /** A request that was allowed to begin is over. */
  end(account: string): void {
    const use = this.#uses.get(account);
    if (use) use.concurrent -= 1;
  }

  #useOf(account: string, nowMs: number): Use {
    let use = this.#uses.get(account);
    if (use === undefined) {
      use = { startMs: nowMs, day: 0, concurrent: 0, today: 0 };
      this.#uses.set(account, use);
    }
    return use;
  }
}
