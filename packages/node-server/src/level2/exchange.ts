import type { AbortLike } from '@millrace/protocol';
import type { Answer } from '../carriers/exchanger.js';
import type { NodeError } from '../errors.js';

/**
 * A request whose answer is owed. It must keep nothing of the request itself: it may be held for minutes.
 */
export class Exchange {
  readonly id: number;
  /** The request came as text; so goes the answer. */
  readonly text: boolean;
  /** When it came. */
  readonly since: number;
  readonly answer: Promise<Answer>;
  readonly #signal: AbortLike;
  #onAbort: () => void;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: Error) => void;

  /** `gone` is called when nobody waits any more. */
  constructor(id: number, text: boolean, since: number, signal: AbortLike, gone: (id: number) => void) {
    this.id = id;
    this.text = text;
    this.since = since;
    this.#signal = signal;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#onAbort = () => {
      this.fail(signal.reason as NodeError);
      gone(id);
    };
    signal.addEventListener('abort', this.#onAbort);
  }

  /** Here is the answer. */
  settle(answer: Answer): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(answer);
  }

  /** There will be none. */
  fail(error: NodeError): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#reject(error);
  }
}
