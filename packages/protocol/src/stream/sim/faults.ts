import { KIND_FLOW } from '../packet.js';
import type { StreamSummary } from '../engine.js';

/** What can happen to an exchange of a relay. */
export const RELAY_FAULTS = [
  'request-lost',
  'request-refused',
  'request-reset',
  'response-lost',
  'response-empty',
  'response-truncated',
  'response-html',
  'doubled',
  'delayed',
  'reordered',
  'quota',
] as const;
/** What can happen to a packet of an unpaired, lossy path. */
export const LOSSY_FAULTS = ['packet-lost', 'packet-doubled', 'packet-delayed', 'packet-reordered'] as const;
/** What can happen to an unpaired, ordered path. */
export const ORDERED_FAULTS = ['connection-cut', 'connection-stalled'] as const;
/** What happens to the whole. */
export const WORLD_FAULTS = ['slow-relay', 'node-restart', 'client-restart'] as const;

export type Fault =
  | (typeof RELAY_FAULTS)[number]
  | (typeof LOSSY_FAULTS)[number]
  | (typeof ORDERED_FAULTS)[number]
  | (typeof WORLD_FAULTS)[number];

const FAULTS: readonly Fault[] = [...RELAY_FAULTS, ...LOSSY_FAULTS, ...ORDERED_FAULTS, ...WORLD_FAULTS];

/** States that a stream can be in, at either end, when a fault happens. */
export const STATES = [
  'opening',
  'open',
  'finishing',
  'send-ended',
  'receive-ended',
  'lingering',
  'resetting',
  'refusing',
  'stuck',
  'flow',
] as const;
export type State = (typeof STATES)[number];

/** The states of one stream. */
function statesOf(stream: StreamSummary): State[] {
  if (stream.life !== 'live') return stream.life === 'closed' ? [] : [stream.life];
  if (stream.kind === KIND_FLOW) return ['flow'];
  const states: State[] = [stream.opened ? 'open' : 'opening'];
  if (stream.send === 'finishing') states.push('finishing');
  if (stream.send === 'finished') states.push('send-ended');
  if (stream.receive !== 'open') states.push('receive-ended');
  if (stream.stuck) states.push('stuck');
  return states;
}

/** How often each fault met each state. */
export class Coverage {
  readonly pairs = new Map<string, number>();
  faults = 0;

  note(fault: Fault, streams: readonly StreamSummary[]): void {
    this.faults++;
    const states = new Set(streams.flatMap((stream) => statesOf(stream)));
    for (const state of states) this.#add(`${fault} × ${state}`, 1);
  }

  add(other: Coverage): void {
    this.faults += other.faults;
    for (const [pair, count] of other.pairs) this.#add(pair, count);
  }

  /** Pairs that never occurred. */
  missing(): string[] {
    return FAULTS.flatMap((fault) => STATES.map((state) => `${fault} × ${state}`)).filter(
      (pair) => !this.pairs.has(pair),
    );
  }

  /** One line for people. `whole`: there were seeds enough for every pair to occur. */
  describe(whole: boolean): string {
    const counts = [...this.pairs.entries()].sort(([, left], [, right]) => left - right);
    const all = FAULTS.length * STATES.length;
    const rare = counts.slice(0, 5).map(([pair, count]) => `${pair}: ${count}`);
    const pairs = whole
      ? `${counts.length} of ${all} pairs of fault and state; rarest ${rare.join(', ')}`
      : `${counts.length} different pairs of fault and state; with the seeds of CI it is all ${all}`;
    return `coverage: ${this.faults} faults, ${pairs}`;
  }

  #add(pair: string, count: number): void {
    this.pairs.set(pair, (this.pairs.get(pair) ?? 0) + count);
  }
}
