/** What a tunnel keeps over restarts, beginning with the counts of its accounts. */
import type { EventHub, MillraceEvent } from '@millrace/protocol';
import type { RelayPool } from '../carriers/relay-pool.js';
import { CLIENT_LIMITS } from '../limits.js';
import { choreTimer } from '../tunnel/clock.js';
import type { StateStore } from '../tunnel/types.js';
import { accountSection } from './account-section.js';
import { StateKeeper } from './state-keeper.js';

/**
 * A keeper that knows the accounts of `pool`. Other parts are added to it, and then it is started. Where requests of the day are
 * counted, `pool` sends nothing before it is known how many were, unless that takes longer than an open waits.
 */
export function keepState(store: StateStore, pool: RelayPool, events: EventHub<MillraceEvent>): StateKeeper {
  const counts = pool.accounts.some(({ bounds }) => bounds.dailyRequests !== undefined);
  const release = counts ? pool.hold() : () => {};
  const timer = choreTimer(release, CLIENT_LIMITS.openPatienceMs);
  const onLoaded = (): void => {
    clearTimeout(timer);
    release();
  };
  const keeper = new StateKeeper({ store, events, onLoaded });
  keeper.add(
    accountSection(pool.accounts, {
      changed: () => keeper.changed(),
      restored: () => pool.refresh(),
    }),
  );
  return keeper;
}
