/** What a tunnel keeps over restarts, beginning with the counts of its accounts. */
import type { EventHub, MillraceEvent } from '@millrace/protocol';
import type { RelayPool } from '../carriers/relay-pool.js';
import type { StateStore } from '../tunnel/types.js';
import { accountSection } from './account-section.js';
import { StateKeeper } from './state-keeper.js';

/** A keeper that knows the accounts of `pool`. Other parts are added to it, and then it is started. */
export function keepState(store: StateStore, pool: RelayPool, events: EventHub<MillraceEvent>): StateKeeper {
  const keeper = new StateKeeper({ store, events });
  keeper.add(
    accountSection(pool.accounts, {
      changed: () => keeper.changed(),
      restored: () => pool.refresh(),
    }),
  );
  return keeper;
}
