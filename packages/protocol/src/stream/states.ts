/**
 * All states of a stream and all their transitions. A stream has two directions, which end on their own, and a life,
 * which says what is left to do for it. What a table does not list changes nothing: events arrive repeated and late.
 */

/** Own direction. `finishing`: the end is written; `finished`: the peer acknowledged it. */
export type SendState = 'open' | 'finishing' | 'finished';
export type SendEvent = 'finish' | 'finalAck';

/** The peer's direction. `sized`: its length is known; `complete`: all of it is here; `ended`: the application has all. */
export type ReceiveState = 'open' | 'sized' | 'complete' | 'ended';
export type ReceiveEvent = 'fin' | 'lastByte' | 'readToEnd';

/**
 * `live`: the application uses it. `resetting`: reset here, the peer is being told. `refusing` (node): the dial failed,
 * the client is being told. `lingering`: both directions ended, the peer may not know it yet. `closed`: gone, only its
 * number is remembered.
 */
export type Life = 'live' | 'resetting' | 'refusing' | 'lingering' | 'closed';
export type LifeEvent = 'localReset' | 'peerReset' | 'dialFailed' | 'bothEnded' | 'confirmed';

type Table<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>;

export const SEND_TABLE: Table<SendState, SendEvent> = {
  open: { finish: 'finishing' },
  finishing: { finalAck: 'finished' },
  finished: {},
};

export const RECEIVE_TABLE: Table<ReceiveState, ReceiveEvent> = {
  open: { fin: 'sized' },
  sized: { lastByte: 'complete' },
  complete: { readToEnd: 'ended' },
  ended: {},
};

export const LIFE_TABLE: Table<Life, LifeEvent> = {
  live: { localReset: 'resetting', peerReset: 'closed', dialFailed: 'refusing', bothEnded: 'lingering' },
  resetting: { peerReset: 'closed', confirmed: 'closed' },
  refusing: { peerReset: 'closed', confirmed: 'closed' },
  lingering: { peerReset: 'closed', confirmed: 'closed' },
  closed: {},
};

/** The state after `event`; the same where the table lists nothing. */
export function after<State extends string, Event extends string>(
  table: Table<State, Event>,
  state: State,
  event: Event,
): State {
  return table[state][event] ?? state;
}
