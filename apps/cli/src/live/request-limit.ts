import type { AccountEntry, RelayEntry } from '@millrace/protocol';

/** Part of a day's requests that a measurement may take of an account, over all of its relays. */
const QUOTA_SHARE = 1 / 5;
/** What a few round trips take. */
const MIN_REQUESTS = 10;

/** Requests after which each relay is given up: `most`, fewer where its account counts the requests of a day. */
export function requestLimits(
  relays: readonly RelayEntry[],
  accounts: readonly AccountEntry[],
  most: number,
): number[] {
  return relays.map(({ account }) => {
    const daily = accounts.find(({ name }) => name === account)?.dailyRequests;
    if (account === undefined || daily === undefined) return most;
    const sharing = relays.filter((other) => other.account === account).length;
    return Math.min(most, Math.max(MIN_REQUESTS, Math.floor((daily * QUOTA_SHARE) / sharing)));
  });
}
