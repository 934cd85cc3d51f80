import { ENTRY_COST_BYTES } from './core.js';
import { LEAST_RESPONSE_BYTES, MOST_WAIT_FACTOR, NodeReceiver, type Held, type NodeTransmit } from './node-receiver.js';
import { lingerTime, releaseAt } from './release.js';
import { SID_WINDOW_BYTES } from './sid-window.js';
import { earliest, type TimerTable } from './timers.js';
import type { UnpairedPath } from './unpaired-path.js';

export type { NodeTransmit } from './node-receiver.js';

/** So many dials that began within this time, ms, are a page's. */
const MANY_DIALS = 2;
const MANY_OPENS_MS = 150;
/** So few held exchanges are scarce then; the last one waits this much longer. */
const SCARCE_HELD = 8;
const LAST_FACTOR = 3;
/** With no more streams than this nothing is gathered: the next result may come much later. */
const FEW_STREAMS = 4;
/** What a held exchange costs. */
export const HELD_COST_BYTES = 256;

/** The node's end of one association: streams that one client opened. Made by `AssociationTable`. */
export class NodeEngine extends NodeReceiver {
  /** The next packet to send; undefined when there is none now. To be called until then. */
  pollTransmit(now: number): NodeTransmit | undefined {
    this.tick(now);
    return this.bare.shift() ?? this.#transmitUnpaired() ?? this.#transmitHeld();
  }

  /** When `handleTimeout` has to be called, if nothing else happens before, ms. */
  pollTimeout(): number | undefined {
    return earliest(this.deadlines());
  }

  /** All deadlines as they are now. */
  deadlines(): TimerTable {
    const table: TimerTable = { ask: this.askAt, response: this.unconfirmed.earliest, hold: this.held[0]?.until };
    this.unpairedDeadlines(table, this.#mayUse);
    const held = this.#bestHeld();
    const at = held === undefined ? undefined : this.#contentAt(held);
    if (at !== undefined && at > this.now) table.release = at;
    return table;
  }

  /** Does what is due at `now`. */
  handleTimeout(now: number): void {
    this.tick(now);
    this.askDue(now);
    for (const path of this.paths.values()) path.onTimeout(now);
    for (const record of this.unconfirmed.takeDue(now)) {
      this.waitFactor = Math.min(MOST_WAIT_FACTOR, this.waitFactor * 1.5);
      this.records.lose(record);
    }
  }

  override bytesHeld(): number {
    const entries = (this.refused.count + this.unconfirmed.count) * ENTRY_COST_BYTES;
    return super.bytesHeld() + (this.held.length + this.bare.length) * HELD_COST_BYTES + entries + SID_WINDOW_BYTES;
  }

  /** An unpaired path that probes found silent is used where there is no other way. */
  readonly #mayUse = (path: UnpairedPath): boolean => !path.suspect || this.#bestHeld() === undefined;

  #transmitUnpaired(): NodeTransmit | undefined {
    return this.buildUnpaired(this.#mayUse, () => false);
  }

  /** How long after an answer the next one waits for company, ms. */
  #scarceMs(): number {
    const { lingerMs } = this.shares.options;
    const held = this.held.length;
    // A page's worth of dials: each result alone would use up one exchange, and the last ones would wait for a round trip.
    if (held <= SCARCE_HELD && this.#dialsMany()) {
      return lingerMs * (held === 1 ? LAST_FACTOR : 1 - held / (SCARCE_HELD + 1));
    }
    if (held > 1 || this.liveStreams <= FEW_STREAMS) return 0;
    return this.rtt.measured ? lingerTime(lingerMs, this.rtt.minMs) : 0;
  }

  /** Several dials that began of late are still under way. */
  #dialsMany(): boolean {
    for (const [sid, at] of this.dialing) {
      if (this.now - at < MANY_OPENS_MS) break;
      this.dialing.delete(sid);
    }
    return this.dialing.size >= MANY_DIALS;
  }

  /** The exchange that ends first, of those that may carry something. */
  #bestHeld(): Held | undefined {
    return this.held.find(({ maxBytes }) => maxBytes >= LEAST_RESPONSE_BYTES);
  }

  #transmitHeld(): NodeTransmit | undefined {
    const ending = this.held[0];
    if (ending === undefined) return undefined;
    if (ending.until <= this.now) {
      this.held.shift();
      return this.response(ending, false);
    }
    const held = this.#bestHeld();
    const at = held === undefined ? undefined : this.#contentAt(held);
    if (held === undefined || at === undefined || at > this.now) return undefined;
    this.held.splice(this.held.indexOf(held), 1);
    return this.response(held, false);
  }

  /** When there is enough to say for an answer (R7); undefined when there is not, and it waits until its hold ends. */
  #contentAt(held: Held): number | undefined {
    if (this.records.full) return undefined;
    const { lingerMs } = this.shares.options;
    const { bulkBytes } = this.scheduler;
    const linger = this.sent.lasts(this.now) ? lingerMs : lingerTime(lingerMs, this.rtt.smoothedMs);
    // Where exchanges are scarce, what comes within the time goes with them too.
    if (this.urgent && bulkBytes < held.maxBytes) return this.answeredAt + this.#scarceMs();
    return releaseAt({ urgent: this.urgent, bulkBytes, bulkSince: this.bulkSince, maxBytes: held.maxBytes }, linger);
  }
}
