/** A lease on one relay, unless it rests for longer than an application should wait for nothing. */
import { CLIENT_LIMITS } from '../limits.js';
import { onAbort } from '../tunnel/on-abort.js';
import type { CarrierFailure } from './carrier.js';
import type { Lease, RelayPool } from './relay-pool.js';
import type { Relay } from './relay.js';

/** Waits for its turn; `signal` withdraws the request. Never rejects: without a lease it gives why there is none. */
export function leaseOf(pool: RelayPool, relay: Relay, signal: AbortSignal): Promise<Lease | CarrierFailure> {
  const accepts = (other: Relay): boolean => other === relay;
  return new Promise((resolve) => {
    const blocked = pool.blocked(accepts);
    if (blocked !== undefined && blocked.restMs > CLIENT_LIMITS.openPatienceMs) {
      resolve(blocked.failure);
      return;
    }
    let stopListening = (): void => {};
    const withdraw = pool.request({
      accepts,
      grant: (lease) => {
        stopListening();
        resolve(lease);
      },
    });
    stopListening = onAbort(signal, () => {
      withdraw();
      resolve({ code: 'ABORTED', message: `${relay.name}: given up here`, ambiguous: false });
    });
  });
}
