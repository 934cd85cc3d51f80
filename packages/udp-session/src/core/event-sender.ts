import { SessionError } from '../errors.js';
import { copied } from './bytes.js';
import type { Earliest } from './earliest.js';
import { EVENT_WINDOW, MAX_EVENT_BYTES } from './items.js';
import type { RoundTrip } from './round-trip.js';
import type { SessionStats } from './stats.js';

/** Most events that wait for room in the window. */
const MAX_QUEUED = 1024;
/** The receiver holds an ack back for this long at most, in case something else is to be sent. */
export const ACK_DELAY_MS = 4;
/** A small message is sent a second time after this long when packets get lost: a loss costs this, not a round trip. */
export const COPY_AFTER_MS = 4;

/** An event on its way. */
export interface OutgoingEvent {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Whether it is input of a client to its host. */
  readonly isInput: boolean;
  /** When it was sent last, ms. */
  sentAt: number;
  sendings: number;
  dueAt: number;
}

/** Events in order, each sent until it is acknowledged. */
export class EventSender {
  readonly #roundTrip: RoundTrip;
  readonly #stats: SessionStats;
  /** All that is not acknowledged, by id; the first EVENT_WINDOW ids from the oldest may be under way. */
  readonly #events = new Map<number, OutgoingEvent>();
  #next = 0;
  #oldest = 0;
  /** When the next event is due, unless it is stale: kept, since it is asked for more often than it changes. */
  #dueAt = Number.POSITIVE_INFINITY;
  #stale = false;
  #refused = false;

  constructor(roundTrip: RoundTrip, stats: SessionStats) {
    this.#roundTrip = roundTrip;
    this.#stats = stats;
  }

  /** Whether there is room again for an event that was refused; says so once. */
  takeWritable(): boolean {
    if (!this.#refused || this.#events.size >= MAX_QUEUED) return false;
    this.#refused = false;
    return true;
  }

  /** Takes an event; its bytes are copied. */
  submit(bytes: Uint8Array, isInput: boolean, now: number): void {
    if (bytes.length > MAX_EVENT_BYTES) {
      throw new SessionError('SESSION_TOO_LARGE', `an event has at most ${MAX_EVENT_BYTES} bytes, not ${bytes.length}`);
    }
    if (this.#events.size >= MAX_QUEUED) {
      this.#refused = true;
      throw new SessionError('SESSION_BUSY', `${MAX_QUEUED} events wait for the peer`);
    }
    const id = this.#next++;
    this.#events.set(id, { id, bytes: copied(bytes), isInput, sentAt: 0, sendings: 0, dueAt: now });
    this.#stale = true;
  }

  /** The next event that is to be sent now, if any: it counts as sent. */
  take(now: number, maxBytes: number, copies: number): OutgoingEvent | undefined {
    if (!this.isDue(now)) return undefined;
    for (let id = this.#oldest; id < this.#windowEnd; id++) {
      const event = this.#events.get(id);
      if (event === undefined || event.dueAt > now || event.bytes.length > maxBytes) continue;
      event.sentAt = now;
      event.sendings++;
      if (event.sendings === 1) this.#stats.eventsSent++;
      else if (event.sendings <= 1 + copies) this.#stats.copiesSent++;
      else this.#stats.eventsResent++;
      const patience = (this.#roundTrip.lateMs + 2 * ACK_DELAY_MS) * 1.5 ** Math.max(0, event.sendings - 1 - copies);
      event.dueAt = now + (event.sendings <= copies ? COPY_AFTER_MS : Math.min(patience, 2000));
      this.#stale = true;
      return event;
    }
    return undefined;
  }

  /** Whether an event is to be sent now. Asked for each packet: it costs nothing while none is under way. */
  isDue(now: number): boolean {
    if (this.#events.size === 0) return false;
    if (this.#stale) this.#refresh();
    return this.#dueAt <= now;
  }

  /** Whether events are under way, or wait. */
  get isEmpty(): boolean {
    return this.#events.size === 0;
  }

  /** Adds when the next event is due. */
  addTime(earliest: Earliest): void {
    if (this.#events.size === 0) return;
    if (this.#stale) this.#refresh();
    earliest.add(this.#dueAt);
  }

  /** The peer expects `next`, and has those of the 32 behind it whose bit is set. False when it names what was never sent. */
  acknowledge(next: number, bits: number, now: number): boolean {
    if (next > this.#next) return false;
    for (; this.#oldest < next; this.#oldest++) this.#events.delete(this.#oldest);
    let newest = -1;
    for (let bit = 0; bit < 32; bit++) {
      if ((bits & (1 << bit)) === 0) continue;
      newest = next + 1 + bit;
      this.#events.delete(newest);
    }
    // What was sent a round trip ago, before something that arrived, is lost: no need to wait for its timer.
    for (let id = this.#oldest; id <= newest && id < this.#windowEnd; id++) {
      const event = this.#events.get(id);
      if (event === undefined) continue;
      if (event.sendings > 0 && now - event.sentAt >= this.#roundTrip.leastMs) event.dueAt = now;
    }
    this.#stale = true;
    return true;
  }

  #refresh(): void {
    this.#stale = false;
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (let id = this.#oldest; id < this.#windowEnd; id++) {
      const event = this.#events.get(id);
      if (event !== undefined && event.dueAt < this.#dueAt) this.#dueAt = event.dueAt;
    }
  }

  /** Behind the last id that may be under way. */
  get #windowEnd(): number {
    return Math.min(this.#next, this.#oldest + EVENT_WINDOW);
  }
}
