import { parseHostPort } from '@millrace/protocol';
import { listenLocally } from '../listen.js';
import { ceilingOf } from './ceiling.js';
import { SimulatorError } from './error.js';
import { bareLoop, startEcho } from './measure.js';
import { resolveSettings } from './options.js';
import { Simulator, SIMULATOR_BOUNDS } from './simulator.js';
import type { MeasuredCeiling, RelaySimulator, RelaySimulatorOptions, SimulatorSettings } from './types.js';

/** Connections at once: a few for each request that may be under way. */
const MAX_CONNECTIONS = 4_096;
const DEFAULT_BYTES = 65_536;
const DEFAULT_IN_FLIGHT = 8;

/**
 * Starts a relay between client and node that is as bad as it is told to be: slow by leg and direction, with faults that are
 * drawn from a seed, windows of refusals and accounts with limits. It reads a body whole before it passes it on, as a
 * script does. Clients reach it as a relay (`kind` `relay`), or, without a token, as if it was the node.
 *
 * @param bounds what it holds at most; the defaults suffice for everything but their own test
 * @throws SimulatorError that names the option; errors of `listen`.
 */
export async function startRelaySimulator(
  options: RelaySimulatorOptions,
  bounds = SIMULATOR_BOUNDS,
): Promise<RelaySimulator> {
  const { node, listen = '127.0.0.1:0', token: _token, accounts: _accounts, onFault: _onFault, ...rest } = options;
  if (!URL.canParse(node) || !/^https?:$/.test(new URL(node).protocol)) {
    throw new SimulatorError('CONFIG_INVALID', 'node', 'must be an http: or https: address');
  }
  const settings = resolveSettings(rest);
  const simulator = new Simulator(settings, options, bounds);
  const running = new Set<Promise<void>>();
  const handler = (...[request, response]: Parameters<Simulator['handle']>): void => {
    const run = simulator.handle(request, response).finally(() => running.delete(run));
    running.add(run);
  };
  const local = await listenLocally(handler, parseHostPort(listen, { name: 'listen' }));
  local.server.maxConnections = MAX_CONNECTIONS;
  let closing: Promise<void> | undefined;
  return {
    url: `${local.origin}/relay`,
    seed: settings.seed,
    stats: () => simulator.stats(),
    ceiling: (inFlight = 1) => ceilingOf(simulator.lines, settings.redirects, inFlight),
    measureCeiling: (loop = {}) => measure(rest, loop),
    async close() {
      simulator.close();
      closing ??= local.close();
      await Promise.all([closing, ...running]);
    },
  };
}

/** A simulator of its own with the same legs, so that nothing is counted here and no fault is in the way. */
async function measure(
  { seed, textOnly, clientLeg, nodeLeg, slowFactor, redirects }: SimulatorSettings,
  loop: NonNullable<Parameters<RelaySimulator['measureCeiling']>[0]>,
): Promise<MeasuredCeiling> {
  const { bytes = DEFAULT_BYTES, inFlight = DEFAULT_IN_FLIGHT, signal } = loop;
  const { requests = inFlight * 4 } = loop;
  const legs = Object.entries({ seed, textOnly, clientLeg, nodeLeg, slowFactor, redirects });
  const echo = await startEcho();
  try {
    const given = Object.fromEntries(legs.filter(([, value]) => value !== undefined)) as SimulatorSettings;
    const simulator = await startRelaySimulator({ ...given, node: echo.origin });
    try {
      return await bareLoop(simulator.url, { bytes, inFlight, requests, signal });
    } finally {
      await simulator.close();
    }
  } finally {
    await echo.close();
  }
}
