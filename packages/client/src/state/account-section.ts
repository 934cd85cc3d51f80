/** What is kept of accounts: the counts of those that have a quota of the day. */
import type { Account } from '../carriers/account.js';
import type { KeptAccount } from './kept-state.js';
import type { StateSection } from './state-keeper.js';

/** `changed` is called when there is something new to keep, `restored` once what was kept was added. */
export function accountSection(
  accounts: readonly Account[],
  { changed, restored }: { changed: () => void; restored: () => void },
): StateSection<'accounts'> {
  const counted = accounts.filter(({ bounds }) => bounds.dailyRequests !== undefined);
  for (const account of counted) account.onCounted = changed;
  return {
    name: 'accounts',
    restore(kept) {
      for (const account of counted) {
        const entry = kept.get(account.label);
        if (entry?.reset === account.bounds.quotaReset) account.restore(entry);
      }
      restored();
    },
    collect: () =>
      new Map(
        counted.map((account): [string, KeptAccount] => [
          account.label,
          { reset: account.bounds.quotaReset, ...account.save() },
        ]),
      ),
  };
}
