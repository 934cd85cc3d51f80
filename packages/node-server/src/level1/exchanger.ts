import { type AbortLike, type EventHub, type MillraceEvent, type TunnelResponse } from '@millrace/protocol';
import {
  decodeBatchRequest,
  decodeSingleRequest,
  encodeBatchResponse,
  encodeTunnelResponse,
  scanKey,
} from '@millrace/protocol/level1';
import type { Answer, Exchanger, Route } from '../carriers/exchanger.js';
import { codeOf, NodeError } from '../errors.js';
import type { KeyCheck } from '../key-check.js';
import type { BatchOutcome } from './batch.js';
import type { Level1 } from './level1.js';
import { errorReply } from './replies.js';

/** Level 1 for carriers that exchange bodies: key first, then everything else. */
export class Level1Exchanger implements Exchanger {
  readonly #level1: Level1;
  readonly #keys: KeyCheck;
  readonly #events: EventHub<MillraceEvent>;

  constructor(level1: Level1, keys: KeyCheck, events: EventHub<MillraceEvent>) {
    this.#level1 = level1;
    this.#keys = keys;
    this.#events = events;
  }

  authenticate(body: Buffer): void {
    if (!this.#keys.matches(scanKey(body))) throw new NodeError('RELAY_AUTH', 'the key is not the key of this node');
  }

  async run(route: Route, body: Buffer, signal: AbortLike): Promise<Answer> {
    try {
      return route === 'batch' ? await this.#batch(body, signal) : await this.#single(body, signal);
    } catch (error) {
      this.#events.emit({ event: 'refused', code: codeOf(error) });
      return answer(encodeTunnelResponse(errorReply({}, error)), () => {});
    }
  }

  async #batch(body: Buffer, signal: AbortLike): Promise<Answer> {
    const { ops } = decodeBatchRequest(body);
    return encoded(await this.#level1.runBatch(ops, signal), (r) => encodeBatchResponse({ r }));
  }

  async #single(body: Buffer, signal: AbortLike): Promise<Answer> {
    const request = decodeSingleRequest(body);
    return encoded(await this.#level1.runSingle(request, signal), (replies) => encodeTunnelResponse(replies[0]!));
  }
}

/** The drained bytes are in the outcome already: should encoding fail, they count as lost. */
function encoded(outcome: BatchOutcome, encode: (replies: TunnelResponse[]) => Uint8Array): Answer {
  try {
    return answer(encode(outcome.replies), (delivered) => outcome.finished(delivered));
  } catch (error) {
    outcome.finished(false);
    throw error;
  }
}

const answer = (body: Uint8Array, finished: Answer['finished']): Answer => ({
  body,
  contentType: 'application/json',
  finished,
});
