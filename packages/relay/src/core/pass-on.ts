import { RelayError } from '../errors.js';
import type { NodeReply } from './types.js';
import type { Watchdog } from './watchdog.js';

export interface PassOnOptions {
  readonly maxBytes: number;
  /** Runs while the node is waited for, and never while the client is. */
  readonly watchdog: Watchdog;
  /** Called once when the body is over: true where all of it was taken. */
  readonly onEnd: (whole: boolean) => void;
  readonly timedOut: () => boolean;
}

/**
 * A node's body on its way to the client: one chunk at a time, when it is asked for. A body that ends too early, is too
 * long or stalls throws, so that whoever passes it on cuts the connection instead of ending it.
 */
export class PassOn implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #contentLength: number | undefined;
  readonly #options: PassOnOptions;
  #first: Uint8Array | undefined;
  #bytes = 0;

  constructor(reply: Pick<NodeReply, 'contentLength'> & { body: AsyncIterable<Uint8Array> }, options: PassOnOptions) {
    this.#source = reply.body[Symbol.asyncIterator]();
    this.#contentLength = reply.contentLength;
    this.#options = options;
  }

  /** Waits for the first byte, which stays part of the body. Undefined where the body is empty. To be called once, first. */
  async peek(): Promise<number | undefined> {
    this.#first = await this.#next();
    return this.#first?.[0];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    let whole = false;
    try {
      for (let chunk = this.#first; chunk !== undefined; chunk = await this.#next()) {
        this.#first = undefined;
        yield chunk;
      }
      whole = true;
    } finally {
      this.#options.onEnd(whole);
    }
  }

  /** The next chunk that is not empty, or undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    const { watchdog, maxBytes } = this.#options;
    try {
      for (;;) {
        watchdog.touch();
        const next = await this.#source.next();
        watchdog.stop();
        if (next.done === true) break;
        this.#bytes += next.value.length;
        if (this.#bytes > maxBytes) throw new RelayError('RELAY_BODY', 'the answer of the node is too large');
        if (next.value.length > 0) return next.value;
      }
    } catch (error) {
      throw this.#cut(error);
    }
    if (this.#contentLength !== undefined && this.#bytes !== this.#contentLength) throw this.#cut(undefined);
    return undefined;
  }

  #cut(cause: unknown): RelayError {
    if (cause instanceof RelayError) return cause;
    const code = this.#options.timedOut() ? 'RELAY_TIMEOUT' : 'RELAY_TRUNCATED';
    return new RelayError(code, `the answer of the node was cut after ${this.#bytes} bytes`, { cause });
  }
}
