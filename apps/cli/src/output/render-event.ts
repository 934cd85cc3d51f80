import type {
  CheckEvent,
  Checkpoint,
  MillraceEvent,
  OpenFailedEvent,
  PeerEvent,
  RelayFailedEvent,
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
    case 'open-failed':
      return openFailedLine(event);
    case 'proxy-refused':
      return `${event.proxy} turned a program away: ${event.code}: ${event.message}`;
    case 'timing':
      return `#${event.id} ${checkpointText(event.checkpoints)}`;
    case 'check':
      return checkLine(event);
    case 'shutdown':
      return event.phase === 'closed' ? 'closed' : `stopping: ${streamsText(event.streams)}`;
    default:
      return undefined;
  }
}

/** `version 0.1.0, level 1`, or what is known of it. */
export function peerText(peer: Pick<PeerEvent, 'version' | 'level'>): string {
  return `${peer.version === undefined ? 'version unknown' : `version ${peer.version}`}, level ${peer.level}`;
}

function peerLine(event: PeerEvent): string {
  const id = event.node === undefined ? '' : ` (${event.node.slice(0, 8)})`;
  return `relay ${event.relay} leads to node${id}: ${peerText(event)}`;
}

function relayFailedLine(event: RelayFailedEvent): string {
  const rest = event.restMs > 0 ? `; next try in ${secondsText(event.restMs)}` : '';
  return `relay ${event.relay} failed: ${event.code}: ${event.message}${rest}`;
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

function streamsText(count: number): string {
  return count === 1 ? '1 stream is still open' : `${count} streams are still open`;
}

function secondsText(ms: number): string {
  return ms < 950 ? msText(ms) : `${Math.round(ms / 1000)} s`;
}

function msText(ms: number): string {
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
}
