import { openTunnel, type Tunnel } from '@millrace/client';
import type { PeerEvent, RelayEntry } from '@millrace/protocol';
import { tunnelOptions } from '../tunnel-options.js';
import type { doctorSettings, upSettings } from '../settings/section.js';
import { failed, type Checklist } from './checklist.js';
import { dialIpv6, dialOwn, dialTarget } from './dial.js';
import { clockFinding, probeFindings, versionFinding, type Probe } from './probe.js';
import { checkName, checkPlain, checkTcp, checkTls, endpointOf, type Endpoint } from './reach.js';

/** What the checks of a relay need. */
export interface RelayCheckOptions {
  readonly settings: ReturnType<typeof upSettings>;
  readonly doctor: ReturnType<typeof doctorSettings>;
  readonly key: string;
  /** What the relay is called. */
  readonly label: string;
  /** Why no request may be sent over its account, and until when. */
  readonly usedUp: string | undefined;
}

/**
 * Checks one relay hop by hop, and stops at the first that fails: what lies behind it cannot be seen.
 * @returns what the node told of itself, where it was reached
 */
export async function checkRelay(
  list: Checklist,
  entry: RelayEntry,
  options: RelayCheckOptions,
): Promise<PeerEvent | undefined> {
  const { label, usedUp } = options;
  const endpoint = endpointOf(entry);
  if (!(await checkReach(list, entry, endpoint, options, label))) return undefined;
  if (usedUp !== undefined) {
    list.found('answer', failed('RELAY_QUOTA_DAY', `nothing is sent: ${usedUp}`, { warning: true }), label);
    return undefined;
  }
  const tunnel = await openTunnel({ ...tunnelOptions(options.settings), relays: [entry], key: options.key });
  try {
    const peer = await checkAnswer(list, tunnel, endpoint, entry.kind, options);
    if (peer) await checkDials(list, tunnel, options.doctor, label);
    return peer;
  } finally {
    await tunnel.close();
  }
}

async function checkReach(
  list: Checklist,
  { caFile }: RelayEntry,
  endpoint: Endpoint,
  { settings: { connectTimeoutMs } }: RelayCheckOptions,
  label: string,
): Promise<boolean> {
  if (!(await list.check('name', () => checkName(endpoint), label)).ok) return false;
  if (!(await list.check('tcp', () => checkTcp(endpoint, connectTimeoutMs), label)).ok) return false;
  if (!endpoint.tls) return true;
  return (await list.check('tls', () => checkTls(endpoint, caFile, connectTimeoutMs), label)).ok;
}

async function checkAnswer(
  list: Checklist,
  tunnel: Tunnel,
  endpoint: Endpoint,
  kind: RelayEntry['kind'],
  { settings, doctor, label }: RelayCheckOptions,
): Promise<PeerEvent | undefined> {
  const probe: Probe = (await tunnel.probe())[0] ?? {};
  const scheme = probe.error && !endpoint.tls ? await checkPlain(endpoint, settings.connectTimeoutMs) : undefined;
  if (scheme) {
    list.found('answer', scheme, label);
    return undefined;
  }
  for (const [name, finding] of probeFindings(probe, kind)) list.found(name, finding, label);
  const { peer } = probe;
  if (!peer) return undefined;
  list.found('version', versionFinding(peer), label);
  const clock = clockFinding(peer, doctor.maxClockSkewSeconds);
  if (clock) list.found('clock', clock, label);
  return peer;
}

async function checkDials(
  list: Checklist,
  tunnel: Tunnel,
  doctor: RelayCheckOptions['doctor'],
  label: string,
): Promise<void> {
  if (doctor.target.length === 0) await list.check('dial', () => dialOwn(tunnel), label);
  for (const target of doctor.target) await list.check('dial', () => dialTarget(tunnel, target), label);
  if (doctor.ipv6Target !== '') await list.check('ipv6', () => dialIpv6(tunnel, doctor.ipv6Target), label);
}
