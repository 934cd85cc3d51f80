import type { Random } from './random.js';

/** What a link does to datagrams. Rates are bytes per ms; probabilities 0 to 1. */
export interface LinkOptions {
  delayMs: number;
  /** Bytes per ms; absent: no limit. */
  rate?: number | undefined;
  /** The queue in front of the rate, bytes. */
  queueBytes?: number | undefined;
  loss?: number | undefined;
  /** Mean length of a run of lost packets; 1: each on its own. */
  burst?: number | undefined;
  reorder?: number | undefined;
  /** How much longer a reordered packet takes at most, ms. */
  reorderMs?: number | undefined;
  duplicate?: number | undefined;
  /** Larger UDP payloads vanish. */
  mtu?: number | undefined;
}

export interface Arrival {
  at: number;
  order: number;
  bytes: Uint8Array;
  from: string;
}

/** One direction of a simulated path. */
export class Link {
  options: LinkOptions;
  /** Packets that vanished, for whatever reason. */
  dropped = 0;
  tooLarge = 0;
  sent = 0;
  /** The longest time that a packet stood in the queue, ms. */
  longestQueueMs = 0;
  readonly #random: Random;
  readonly #inFlight: Arrival[] = [];
  #bad = false;
  #freeAt = 0;
  #order = 0;

  constructor(options: LinkOptions, random: Random) {
    this.options = options;
    this.#random = random;
  }

  send(bytes: Uint8Array, from: string, now: number): void {
    const {
      delayMs,
      rate,
      queueBytes = Infinity,
      reorder = 0,
      reorderMs = 0,
      duplicate = 0,
      mtu = Infinity,
    } = this.options;
    this.sent++;
    if (bytes.length > mtu) {
      this.dropped++;
      this.tooLarge++;
      return;
    }
    let at = now;
    if (rate !== undefined) {
      const waitMs = Math.max(0, this.#freeAt - now);
      if (waitMs * rate > queueBytes) {
        this.dropped++;
        return;
      }
      this.longestQueueMs = Math.max(this.longestQueueMs, waitMs);
      this.#freeAt = now + waitMs + bytes.length / rate;
      at = this.#freeAt;
    }
    if (this.#lost()) {
      this.dropped++;
      return;
    }
    const copies = this.#random.chance(duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const extra = copy > 0 || this.#random.chance(reorder) ? this.#random.between(0, reorderMs) : 0;
      this.#insert({ at: at + delayMs + extra, order: this.#order++, bytes: bytes.slice(), from });
    }
  }

  get nextAt(): number | undefined {
    return this.#inFlight[0]?.at;
  }

  /** What has arrived by now, in order of arrival. */
  take(now: number): Arrival[] {
    let count = 0;
    while (count < this.#inFlight.length && this.#inFlight[count]!.at <= now) count++;
    return this.#inFlight.splice(0, count);
  }

  #lost(): boolean {
    const { loss = 0, burst = 1 } = this.options;
    if (burst <= 1) return this.#random.chance(loss);
    // Gilbert's model: runs of this mean length, so that this part of all packets is lost.
    this.#bad = this.#random.chance(this.#bad ? 1 - 1 / burst : loss / (burst * (1 - loss)));
    return this.#bad;
  }

  #insert(arrival: Arrival): void {
    let place = this.#inFlight.length;
    while (place > 0 && this.#inFlight[place - 1]!.at > arrival.at) place--;
    this.#inFlight.splice(place, 0, arrival);
  }
}
