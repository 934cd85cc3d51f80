import { copied } from './bytes.js';
import { EVENT_WINDOW } from './items.js';

export interface PeerEvent {
  readonly bytes: Uint8Array;
  /** Whether it is input of a client to its host. */
  readonly isInput: boolean;
}

/** Events of the peer, put back into order. Holds at most EVENT_WINDOW of them. */
export class EventReceiver {
  readonly #early = new Map<number, PeerEvent>();
  #next = 0;

  /** The id that is expected next. */
  get next(): number {
    return this.#next;
  }

  /** Which of the 32 ids behind the expected one are there, bit 0 for the first. */
  get bits(): number {
    let bits = 0;
    for (const id of this.#early.keys()) {
      const bit = id - this.#next - 1;
      if (bit >= 0 && bit < 32) bits |= 1 << bit;
    }
    return bits >>> 0;
  }

  /** Takes an event and gives those that are in order now. False when it lies beyond the window: the peer breaks the rules. */
  add(id: number, bytes: Uint8Array, isInput: boolean, give: (event: PeerEvent) => void): boolean {
    if (id >= this.#next + EVENT_WINDOW) return false;
    if (id < this.#next || this.#early.has(id)) return true;
    this.#early.set(id, { bytes: copied(bytes), isInput });
    for (let event = this.#early.get(this.#next); event !== undefined; event = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      give(event);
    }
    return true;
  }
}
