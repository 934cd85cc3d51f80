/** Process: the Millrace client, with a SOCKS5 proxy on loopback. */
import { openTunnel, type TunnelOptions } from '@millrace/client';
import { startSocks5 } from '@millrace/client/proxy';
import { countCodes } from '../process/event-codes.js';
import { startWithKnown } from '../process/known-options.js';
import { serve } from '../process/worker.js';

let takeCodes = (): string[] => [];

const verbs = {
  /** Starts it; gives the `HOST:PORT` of its proxy, and the options that this tree does not know. */
  start: async (options: TunnelOptions): Promise<{ address: string; unknown: string[] }> => {
    const { started: tunnel, unknown } = await startWithKnown(options, openTunnel);
    takeCodes = countCodes(tunnel.events);
    const { address } = await startSocks5(tunnel, { listen: '127.0.0.1:0' });
    return { address, unknown };
  },
  /** Error codes of its events since the last call. */
  codes: (): string[] => takeCodes(),
};
export type ClientVerbs = typeof verbs;

serve(verbs);
