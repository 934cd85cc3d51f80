import { readAccounts } from '@millrace/client';
import { fileStore } from '@millrace/client/node';
import { toCliError } from '../errors.js';
import type { upSettings } from '../settings/section.js';
import { failed, passed, type Checklist } from './checklist.js';

/**
 * Looks at what `millrace up` has kept, if it keeps anything; the file stays as it is.
 * @returns accounts that are used up, with why and until when
 */
export async function checkState(
  list: Checklist,
  { stateFile, accounts }: Pick<ReturnType<typeof upSettings>, 'stateFile' | 'accounts'>,
): Promise<ReadonlyMap<string, string>> {
  const usedUp = new Map<string, string>();
  if (stateFile === '') return usedUp;
  await list.check('state', async () => {
    try {
      const kept = await readAccounts(fileStore(stateFile), accounts);
      for (const { account, blocked } of kept) if (blocked !== undefined) usedUp.set(account, blocked);
      const counts = kept.map(
        ({ account, requestsToday, dailyRequests }) => `${account} ${requestsToday} of ${dailyRequests}`,
      );
      return passed(counts.length === 0 ? `${stateFile} is read` : `${stateFile}: requests of ${counts.join(', ')}`);
    } catch (error) {
      const { code, message } = toCliError(error);
      const next = 'Put the right file in its place, or remove it; counts of the day begin at 0 without it.';
      return failed(code, `--state-file ${stateFile}: ${message}`, { next, warning: true });
    }
  });
  return usedUp;
}
