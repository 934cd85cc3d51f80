import type { AbortLike } from '@millrace/protocol';

/** Where a body came in: `/tunnel` or `/tunnel/batch`. Carriers without paths say `batch`. */
export type Route = 'single' | 'batch';

/** The answer to a body. */
export interface Answer {
  body: Uint8Array;
  contentType: string;
  /** To be called once: the answer has left, or it was lost on the way out. */
  finished: (delivered: boolean) => void;
}

/** One level of the wire, as carriers that exchange bodies see it. */
export interface Exchanger {
  /**
   * Checks who sends, looking at no more of the body than that takes.
   * @throws Error with a `code`: the body is refused, and nothing in it is looked at any more.
   */
  authenticate(body: Buffer): void;
  /** Gives memory for a body of exactly so many bytes, of any content. Only where the first bytes of a body authenticate it. */
  memory?(bytes: number): Buffer;
  /**
   * Runs an authenticated body. `signal`: nobody waits any more. `release`: to be called when nothing of the body is kept any
   * more; else it counts until the answer has left.
   * @throws Error with a `code`, also as a rejection: the body is refused. `ABORTED`: the connection is cut.
   */
  run(route: Route, body: Buffer, signal: AbortLike, release: () => void): Promise<Answer>;
}
