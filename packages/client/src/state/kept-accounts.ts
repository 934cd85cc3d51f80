/** Looks at what is kept of accounts, without a tunnel: nothing is sent, and nothing is written. */
import { Account } from '../carriers/account.js';
import { resolveAccounts } from '../options.js';
import type { AccountStats, StateStore, TunnelOptions } from '../tunnel/types.js';
import { accountSection } from './account-section.js';
import { parseState } from './kept-state.js';

/** An account whose requests of the day are counted, as a tunnel that is opened now would find it. */
export interface KeptAccountStats extends AccountStats {
  /** Why it would take no request, and until when, for a message; absent where it would take one. */
  blocked?: string;
}

/**
 * Reads what tunnels have kept of those `accounts` that have `dailyRequests`, one entry each. Rejects with `TunnelError`:
 * CONFIG_INVALID for what is no account or no text of a tunnel, and what `store` rejects with.
 */
export async function readAccounts(
  store: Pick<StateStore, 'load'>,
  accounts: NonNullable<TunnelOptions['accounts']>,
): Promise<KeptAccountStats[]> {
  const counted = resolveAccounts(accounts.filter(({ dailyRequests }) => dailyRequests !== undefined)).map(
    ([name, bounds]) => new Account(name, bounds),
  );
  const text = await store.load();
  const section = accountSection(counted, { changed() {}, restored() {} });
  if (text !== undefined) section.restore(parseState(text).accounts);
  const now = performance.now();
  return counted.map((account) => {
    const stats: KeptAccountStats = account.stats(now);
    const blocked = account.blocked(now);
    if (blocked !== undefined) stats.blocked = blocked.failure.message;
    return stats;
  });
}
