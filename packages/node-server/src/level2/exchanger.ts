import type { AbortLike } from '@millrace/protocol';
import { decodeBody, decodePacket } from '@millrace/protocol/level2';
import type { Answer, Exchanger, Route } from '../carriers/exchanger.js';
import { NodeError } from '../errors.js';
import type { Level2 } from './level2.js';
import type { TokenCheck } from './token-check.js';

/** Level 2 for carriers that exchange bodies, in the clear, as bytes or as text: token first, then everything else. */
export class Level2Exchanger implements Exchanger {
  readonly #level2: Level2;
  readonly #tokens: TokenCheck;

  constructor(level2: Level2, tokens: TokenCheck) {
    this.#level2 = level2;
    this.#tokens = tokens;
  }

  authenticate(body: Buffer): void {
    this.#tokens.check(body);
  }

  memory(bytes: number): Buffer {
    const { buffer, byteOffset } = this.#level2.buffers.take(bytes);
    return Buffer.from(buffer, byteOffset, bytes);
  }

  /** No closure here may see body or packet: the answer may be held for minutes, and they would be kept as long. */
  run(route: Route, body: Buffer, signal: AbortLike, release: () => void): Promise<Answer> {
    if (route !== 'batch') throw new NodeError('MESSAGE_INVALID', 'level 2 is served at POST /tunnel/batch only');
    const { buffers } = this.#level2;
    const { packet: memory, text } = decodeBody(body, 'request');
    const packet = decodePacket(memory);
    buffers.lend(memory);
    const answer = this.#level2.exchange(packet, text, signal, memory);
    // The engine counts what it keeps of the body.
    release();
    return answer;
  }
}
