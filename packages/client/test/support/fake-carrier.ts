/** A carrier to a `FakeNode`, on which every exchange can be made to fail. */
import { LIMITS, type BatchOp, type TunnelResponse } from '@millrace/protocol';
import { decodeBatchRequest, encodeBatchResponse } from '@millrace/protocol/level1';
import { Arrivals } from '@millrace/testkit';
import { failed, type Carrier, type CarrierAnswer, type SendOptions } from '../../src/carriers/carrier.js';
import type { FakeNode } from './fake-node.js';

/** An exchange as the carrier sees it. */
export interface FakeExchange {
  readonly index: number;
  readonly key: string;
  readonly ops: readonly BatchOp[];
  readonly body: Uint8Array;
  readonly options: SendOptions;
  /** Runs the batch at the node. */
  run(): Promise<TunnelResponse[]>;
}

/** What to do with an exchange; undefined passes it on. */
export type Handle = (exchange: FakeExchange) => CarrierAnswer | undefined | Promise<CarrierAnswer | undefined>;

export class FakeCarrier implements Carrier {
  readonly abilities = {
    paired: true,
    ordered: false,
    reliable: false,
    form: 'bytes',
    maxBodyBytes: LIMITS.maxBodyBytes,
  } as const;
  /** Every exchange, in order. */
  readonly sent = new Arrivals<FakeExchange>('exchange');
  /** Decides what becomes of exchanges that carry more than `version`. */
  handle: Handle = () => undefined;
  /** Decides what becomes of `version`. */
  handleVersion: Handle = () => undefined;
  node: FakeNode;
  closed = false;
  /** Exchanges under way, and the most that there ever were. */
  inFlight = 0;
  mostInFlight = 0;

  constructor(node: FakeNode) {
    this.node = node;
  }

  prepare(): void {}

  async send(body: Uint8Array, options: SendOptions): Promise<CarrierAnswer> {
    const { k, ops } = decodeBatchRequest(body);
    const exchange: FakeExchange = {
      index: this.sent.all.length,
      key: k,
      ops: ops as BatchOp[],
      body,
      options,
      run: () => this.node.run(ops as BatchOp[]),
    };
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      return await Promise.race([this.#answer(exchange), aborted(options.signal)]);
    } finally {
      this.inFlight -= 1;
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  async #answer(exchange: FakeExchange): Promise<CarrierAnswer> {
    const now = performance.now();
    exchange.options.onStep?.('tcp', now);
    exchange.options.onStep?.('sent', now);
    const version = exchange.ops.every(({ op }) => op === 'version');
    if (!version) this.sent.push(exchange);
    const decided = await (version ? this.handleVersion : this.handle)(exchange);
    const answer = decided ?? answerOf(await exchange.run());
    exchange.options.onStep?.('relay-answered', performance.now());
    return answer;
  }
}

/** An answer with these replies. */
export function answerOf(r: TunnelResponse[]): CarrierAnswer {
  return { ok: true, body: encodeBatchResponse({ r }) };
}

/** The request did not reach anybody. */
export function unreached(): CarrierAnswer {
  return failed('RELAY_OFFLINE', 'fake relay: not reached', false);
}

/** The node ran the batch; its answer got lost. */
export async function answerLost(exchange: FakeExchange): Promise<CarrierAnswer> {
  await exchange.run();
  return failed('RELAY_TRUNCATED', 'fake relay: the answer was cut', true);
}

/** The request got lost on the way to the node, which nobody can know. */
export function requestLost(): CarrierAnswer {
  return failed('RELAY_TIMEOUT', 'fake relay: no answer', true);
}

function aborted(signal: SendOptions['signal']): Promise<CarrierAnswer> {
  return new Promise((resolve) => {
    const answer = failed('ABORTED', 'fake relay: given up', true);
    if (signal?.aborted) resolve(answer);
    signal?.addEventListener('abort', () => resolve(answer));
  });
}
