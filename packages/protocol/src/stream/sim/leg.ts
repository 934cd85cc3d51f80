import type { Clock } from './clock.js';
import { Random } from './random.js';

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
  /**
   * `fifo`: one message after the other, the worst for small ones. `shared`: in turn, as connections of TCP do. `random`: any
   * of them at any time, so that some fall far behind.
   */
  order?: 'fifo' | 'shared' | 'random';
}

/** One direction of one leg between client, relay and node: a rate that all messages share, then a delay. */
export class Leg {
  readonly #clock: Clock;
  readonly #options: LegOptions;
  readonly #waiting: Message[] = [];
  readonly #random = new Random(1);
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
    const { order } = this.#options;
    const index = order === 'random' ? this.#random.int(0, this.#waiting.length - 1) : 0;
    const [message] = this.#waiting.splice(index, 1);
    this.#busy = message !== undefined;
    if (message === undefined) return;
    const turn = order === 'fifo' || order === undefined ? message.left : Math.min(message.left, QUANTUM_BYTES);
    this.#clock.after(turn / rate, () => {
      message.left -= turn;
      this.queuedBytes -= turn;
      if (message.left > 0) this.#waiting.push(message);
      else message.sent();
      this.#next(rate);
    });
  }
}
