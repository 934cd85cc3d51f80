/** Process: a simulated relay, which is part of the network: what it costs is charged to nobody. */
import { startRelaySimulator, type RelaySimulatorOptions } from '@millrace/testkit';
import { serve } from '../process/worker.js';

let simulator: Awaited<ReturnType<typeof startRelaySimulator>> | undefined;

const verbs = {
  /** Starts it; gives its URL. */
  start: async (options: RelaySimulatorOptions): Promise<string> => {
    simulator = await startRelaySimulator(options);
    return simulator.url;
  },
  /** What its legs carry by a bare loop of bodies of this size, in 10^6 bytes a second. */
  ceiling: async (loop: { bytes: number; inFlight: number; requests: number }): Promise<number> => {
    if (!simulator) throw new Error('not started');
    return (await simulator.measureCeiling(loop)).MBps;
  },
};
export type RelaySimulatorVerbs = typeof verbs;

serve(verbs);
