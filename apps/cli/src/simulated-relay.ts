import type { SimulatorCountsEvent, SimulatorEvent } from '@millrace/protocol';
import type { MeasuredCeiling, RelaySimulator, SimulatorSettings } from '@millrace/testkit';
import { CliError, toCliError } from './errors.js';
import { readJsonFile } from './settings/json-file.js';

/** What a bare loop sends to find the ceiling, and how long it may take. */
const LOOP = { bytes: 65_536, inFlight: 8, requests: 32 };
const MAX_LOOP_MS = 3_000;

/** A relay that is as bad as a file says. */
export interface SimulatedRelay {
  /** Address for clients, without the token. */
  readonly url: string;
  /** What it bears at most, measured before it was handed out. */
  readonly ceiling: SimulatorEvent;
  /** What went through so far. */
  counts(): SimulatorCountsEvent;
  close(): Promise<void>;
}

/** Reads a file of faults. @throws CliError FILE_UNREADABLE, CONFIG_INVALID, CONFIG_UNKNOWN_KEY, naming file and option */
export async function readFaults(path: string): Promise<SimulatorSettings> {
  const settings = (await readJsonFile(path, '--faults')) as SimulatorSettings;
  const { resolveSimulatorSettings, SimulatorError } = await import('./bundled/simulator.js');
  try {
    resolveSimulatorSettings(settings);
    return settings;
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    const next = 'docs/CLI.md, "A bad relay", lists the options of such a file.';
    throw new CliError(error.code, error.message, { where: path, next, cause: error });
  }
}

/** Starts it and measures what it bears. @throws CliError for what is wrong with the addresses */
export async function startSimulatedRelay(options: {
  node: string;
  token: string;
  listen: string;
  faults: SimulatorSettings;
}): Promise<SimulatedRelay> {
  const { faults, ...addresses } = options;
  const { startRelaySimulator } = await import('./bundled/simulator.js');
  const simulator = await startRelaySimulator({ ...faults, ...addresses }).catch((error: unknown) => {
    throw toCliError(error, `--listen ${options.listen}`);
  });
  try {
    const measured = await simulator
      .measureCeiling({ ...LOOP, signal: AbortSignal.timeout(MAX_LOOP_MS) })
      .catch(() => undefined);
    return {
      url: simulator.url,
      ceiling: ceilingOf(simulator, measured),
      counts: () => countsOf(simulator),
      close: () => simulator.close(),
    };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

function ceilingOf(simulator: RelaySimulator, measured: MeasuredCeiling | undefined): SimulatorEvent {
  const { roundTripMs, upMBps, downMBps } = simulator.ceiling();
  return {
    event: 'simulator',
    seed: simulator.seed,
    roundTripMs,
    ...(upMBps === undefined ? {} : { upMBps }),
    ...(downMBps === undefined ? {} : { downMBps }),
    ...(measured === undefined
      ? {}
      : { measuredMBps: measured.MBps, measuredRequestsPerSecond: measured.requestsPerSecond }),
  };
}

function countsOf(simulator: RelaySimulator): SimulatorCountsEvent {
  const { requests, redirected, mostConcurrent, bytes, longestSilenceMs, faults } = simulator.stats();
  const happened = Object.entries(faults).filter(([, count]) => count > 0);
  return {
    event: 'simulator-counts',
    seed: simulator.seed,
    requests,
    redirected,
    mostConcurrent,
    bytesUp: bytes.clientUp,
    bytesDown: bytes.clientDown,
    longestSilenceMs,
    faults: happened.map(([fault, count]) => ({ fault, count })),
  };
}
