/** Process: the Millrace relay. */
import { startRelay, type RelayOptions } from '@millrace/relay/node';
import { serve } from '../process/worker.js';

const verbs = {
  /** Starts it; gives its URL. */
  start: async (options: RelayOptions): Promise<string> => (await startRelay(options)).url,
};
export type RelayVerbs = typeof verbs;

serve(verbs);
