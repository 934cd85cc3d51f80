import { payloadBytes, type PacketValue } from '../packet.js';
import type { Clock } from './clock.js';
import { Leg, type LegOptions } from './leg.js';
import { Random } from './random.js';

/** HTTP head of a request or response, bytes. */
const HEAD_BYTES = 250;
const TOKEN_BYTES = 32;

/** How a relay behaves. Probabilities from 0 to 1; losses are silent. */
export interface RatedRelayOptions {
  /** Round trip of client, relay, node and back, ms; the same delay for each leg and direction. */
  rttMs: number;
  /** Mbit/s of each leg and direction, all exchanges together; absent: any. */
  mbps?: number;
  order?: LegOptions['order'];
  /** Share of the delay on the leg between client and relay. Default 0.5. */
  clientShare?: number;
  /** Bodies travel as base64. */
  text?: boolean;
  /** Each exchange takes up to so much longer, ms, as it happens to be. */
  jitterMs?: number;
  seed?: number;
  requestLost?: number;
  responseLost?: number;
  doubled?: number;
  truncated?: number;
}

/** What becomes of an exchange: each is called at most once. */
export interface ExchangeHandlers {
  /** The request arrived at the node; `answer` takes the response. May come twice. */
  arrive(answer: (response: PacketValue) => void): void;
  respond(response: PacketValue): void;
  fail(): void;
}

/** A relay on the virtual clock that takes in a whole body before it passes it on, over legs of a bounded rate. */
export class RatedRelay {
  readonly #options: RatedRelayOptions;
  readonly #random: Random;
  readonly #up: [Leg, Leg];
  readonly #down: [Leg, Leg];
  readonly #clock: Clock;
  /** Exchanges under way, and the most there ever were. */
  open = 0;
  mostOpen = 0;

  constructor(clock: Clock, options: RatedRelayOptions) {
    this.#options = options;
    this.#clock = clock;
    this.#random = new Random(options.seed ?? 1);
    const { rttMs, mbps, order = 'fifo', clientShare = 0.5 } = options;
    const leg = (share: number) =>
      new Leg(clock, { delayMs: (rttMs / 2) * share, order, ...(mbps === undefined ? {} : { rate: mbps * 125 }) });
    this.#up = [leg(clientShare), leg(1 - clientShare)];
    this.#down = [leg(1 - clientShare), leg(clientShare)];
  }

  /** Carries one request and its answer. */
  exchange(request: PacketValue, handlers: ExchangeHandlers): void {
    const { requestLost = 0, responseLost = 0, doubled = 0, truncated = 0, jitterMs = 0 } = this.#options;
    const chance = (probability: number) => this.#random.chance(probability);
    const fate = {
      requestLost: chance(requestLost),
      responseLost: chance(responseLost),
      doubled: chance(doubled),
      truncated: chance(truncated),
      second: chance(0.5),
    };
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    const bytes = this.#bytes(request) + TOKEN_BYTES;
    let answers = 0;
    const answer = (response: PacketValue) => {
      if (fate.doubled && answers++ !== (fate.second ? 1 : 0)) return;
      if (fate.responseLost) return;
      const size = this.#bytes(response);
      this.#down[0].send(size, () =>
        this.#down[1].send(fate.truncated ? size / 2 : size, () => {
          this.open--;
          if (fate.truncated) handlers.fail();
          else handlers.respond(response);
        }),
      );
    };
    this.#up[0].send(bytes, () => {
      if (fate.requestLost) return;
      for (let copy = 0; copy < (fate.doubled ? 2 : 1); copy++) {
        const lateMs = jitterMs > 0 ? this.#random.between(0, jitterMs) : 0;
        const pass = () => this.#up[1].send(bytes, () => handlers.arrive(answer));
        if (lateMs > 0) this.#clock.after(lateMs, pass);
        else pass();
      }
    });
  }

  #bytes(packet: PacketValue): number {
    const body = 96 + 32 * (packet.segments?.length ?? 0) + payloadBytes(packet);
    return HEAD_BYTES + (this.#options.text === true ? Math.ceil(body / 3) * 4 : body);
  }
}
