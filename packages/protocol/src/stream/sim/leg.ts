import type { Clock } from './clock.js';

/** Bytes that one message may send before the next one's turn, where a leg is shared. */
const QUANTUM_BYTES = 16_384;

interface Message {
  left: number;
  sent: () => void;
}

export interface LegOptions {
  delayMs: number;
  /** Bytes per ms, of all messages together; absent: any. */
  rate?: number;
  /** `fifo`: one message after the other, the worst for small ones. `shared`: in turn, as connections of TCP do. */
  order?: 'fifo' | 'shared';
}

/** One direction of one leg between client, relay and node: a rate that all messages share, then a delay. */
export class Leg {
  readonly #clock: Clock;
  readonly #options: LegOptions;
  readonly #waiting: Message[] = [];
  #busy = false;
  /** Bytes that wait or are being sent. */
  queuedBytes = 0;

  constructor(clock: Clock, options: LegOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Sends a message of `bytes`; `arrive` runs once its last byte is at the other end. */
  send(bytes: number, arrive: () => void): void {
    const sent = () => this.#clock.after(this.#options.delayMs, arrive);
    if (this.#options.rate === undefined) return sent();
    this.#waiting.push({ left: bytes, sent });
    this.queuedBytes += bytes;
    if (!this.#busy) this.#next(this.#options.rate);
  }

  #next(rate: number): void {
    const message = this.#waiting.shift();
    this.#busy = message !== undefined;
    if (message === undefined) return;
    const turn = this.#options.order === 'shared' ? Math.min(message.left, QUANTUM_BYTES) : message.left;
    this.#clock.after(turn / rate, () => {
      message.left -= turn;
      this.queuedBytes -= turn;
      if (message.left > 0) this.#waiting.push(message);
      else message.sent();
      this.#next(rate);
    });
  }
}
