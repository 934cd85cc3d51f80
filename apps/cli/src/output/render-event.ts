import type {
  AccountsExhaustedEvent,
  CheckEvent,
  Checkpoint,
  MillraceEvent,
  OpenFailedEvent,
  PeerEvent,
  RelayFailedEvent,
  SimulatorCountsEvent,
  SimulatorEvent,
} from '@millrace/protocol';

/** An event as a line for a person; nothing for those that only programs and metrics want. */
export function renderEvent(event: MillraceEvent): string | undefined {
  switch (event.event) {
    case 'peer':
      return peerLine(event);
    case 'relay-failed':
      return relayFailedLine(event);
    case 'relay-works':
      return `relay ${event.relay} works again`;
    case 'accounts-exhausted':
      return accountsLine(event);
    case 'state-failed':
      return event.phase === 'load'
        ? `what was kept (--state-file) cannot be read, and is begun anew: ${event.message}`
        : `what is to be kept (--state-file) cannot be written: ${event.message}`;
    case 'open-failed':
      return openFailedLine(event);
    case 'proxy-refused':
      return `${event.proxy} turned a program away: ${event.code}: ${event.message}`;
    case 'timing':
      return `#${event.id} ${checkpointText(event.checkpoints)}`;
    case 'check':
      return checkLine(event);
    case 'simulator':
      return ceilingLine(event);
    case 'simulator-counts':
      return countsLine(event);
    case 'shutdown':
      return event.phase === 'closed' ? 'closed' : `stopping: ${streamsText(event.streams)}`;
    default:
      return undefined;
  }
}

/** `version 0.1.0, level 1`, or what is known of it. */
export function peerText(peer: Pick<PeerEvent, 'version' | 'level'>): string {
  const version =
    peer.version === undefined ? (peer.level < 2 ? 'version unknown, ' : '') : `version ${peer.version}, `;
  return `${version}level ${peer.level}`;
}

function peerLine(event: PeerEvent): string {
  const id = event.node === undefined ? '' : ` (${event.node.slice(0, 8)})`;
  return `relay ${event.relay} leads to node${id}: ${peerText(event)}`;
}

function relayFailedLine(event: RelayFailedEvent): string {
  const rest = event.restMs > 0 ? `; next try in ${secondsText(event.restMs)}` : '';
  return `relay ${event.relay} failed: ${event.code}: ${event.message}${rest}`;
}

function accountsLine({ code, accounts, until, inMs, timeZone }: AccountsExhaustedEvent): string {
  const who = accounts.length === 1 ? `account ${accounts[0] ?? ''} is` : 'all accounts are';
  const what = code === 'RELAY_QUOTA_DAY' ? 'used up' : `told to wait (${code})`;
  return `${who} ${what} until ${clockText(until, inMs, timeZone)}, in ${durationText(inMs)}`;
}

/**
 * `08:00 (America/Los_Angeles)`: as the clocks of that zone show it, or those here; with seconds within the next minute. Rounded
 * up: not too early.
 */
function clockText(at: number, inMs: number, timeZone: string | undefined): string {
  const [seconds, stepMs] = inMs < 60_000 ? [{ second: '2-digit' } as const, 1_000] : [{}, 60_000];
  const options = { hour: '2-digit', minute: '2-digit', ...seconds, hourCycle: 'h23' } as const;
  const shown = new Intl.DateTimeFormat('en-GB', timeZone === undefined ? options : { ...options, timeZone });
  const text = shown.format(Math.ceil(at / stepMs) * stepMs);
  return timeZone === undefined ? text : `${text} (${timeZone})`;
}

/** `3 h 12 min`, rounded up to minutes; `5 s` where it is less than one. */
function durationText(ms: number): string {
  if (ms < 60_000) return `${Math.ceil(ms / 1_000)} s`;
  const minutes = Math.ceil(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

function openFailedLine(event: OpenFailedEvent): string {
  const steps = event.checkpoints?.length ? ` (${checkpointText(event.checkpoints)})` : '';
  return `#${event.id} ${event.kind} not opened: ${event.code} after ${msText(event.ms)}${steps}`;
}

/** `name 2 ms, tcp 10 ms, …`: each from the open. */
function checkpointText(checkpoints: readonly Checkpoint[]): string {
  return checkpoints.map(({ step, ms }) => `${step} ${msText(ms)}`).join(', ');
}

function checkLine(event: CheckEvent): string {
  const mark = event.ok ? 'ok  ' : event.warning ? 'warn' : 'FAIL';
  const code = event.code === undefined ? '' : `${event.code}: `;
  const next = event.next === undefined ? '' : `\n       next: ${event.next}`;
  return `${mark} ${event.name.padEnd(8)} ${code}${event.message}${next}`;
}

function ceilingLine(event: SimulatorEvent): string {
  const { seed, roundTripMs, upMBps, downMBps, measuredMBps, measuredRequestsPerSecond } = event;
  const rate = (MBps: number | undefined): string => (MBps === undefined ? 'any rate' : `${amount(MBps)} MB/s`);
  const legs = `adds ${msText(roundTripMs)} to an exchange, bears ${rate(upMBps)} up and ${rate(downMBps)} down`;
  const measured =
    measuredMBps === undefined || measuredRequestsPerSecond === undefined
      ? 'a bare loop takes too long to be measured'
      : `a bare loop reached ${amount(measuredMBps)} MB/s each way, ${amount(measuredRequestsPerSecond)} requests/s`;
  return `simulated relay, seed ${seed}: ${legs}; ${measured}`;
}

function countsLine(event: SimulatorCountsEvent): string {
  const { requests, bytesUp, bytesDown, mostConcurrent, longestSilenceMs, faults } = event;
  const went = `${requests} requests, ${amount(bytesUp / 1e6)} MB up, ${amount(bytesDown / 1e6)} MB down`;
  const most = `${mostConcurrent} at once, longest silence ${secondsText(longestSilenceMs)}`;
  const met = faults.map(({ fault, count }) => `${count} ${fault}`).join(', ');
  return `simulated relay: ${went}; ${most}; ${met === '' ? 'no faults' : `faults: ${met}`}`;
}

/** Three digits, which is what a measurement is good for. */
function amount(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function streamsText(count: number): string {
  return count === 1 ? '1 stream is still open' : `${count} streams are still open`;
}

function secondsText(ms: number): string {
  return ms < 950 ? msText(ms) : `${Math.round(ms / 1000)} s`;
}

function msText(ms: number): string {
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
}
