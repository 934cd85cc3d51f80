import type { IncomingMessage, ServerResponse } from 'node:http';
import { receivedHeadBytes } from './head-bytes.js';
import type { Decision } from './decide.js';

/** One request of a client, from its head to the end of its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly decision: Decision;
  readonly headBytes: number;
  /** Aborted when the client has gone before its answer was sent, or the simulator closes. */
  readonly gone: AbortSignal;
  /** Aborted when the simulator closes. */
  readonly closing: AbortSignal;
  /** Resolves when nothing is to be answered any more. */
  readonly closed: Promise<void>;
  /** Bytes of bodies that are held for it. */
  heldBytes = 0;
  readonly #closing = new AbortController();
  #rest: Promise<unknown> = Promise.resolve();

  constructor(request: IncomingMessage, response: ServerResponse, decision: Decision) {
    this.request = request;
    this.response = response;
    this.decision = decision;
    this.headBytes = receivedHeadBytes(request);
    const gone = new AbortController();
    this.closing = this.#closing.signal;
    this.gone = AbortSignal.any([gone.signal, this.closing]);
    this.closed = new Promise((resolve) => {
      const onClose = (): void => {
        if (!response.writableFinished) gone.abort(new Error('the client has gone'));
        resolve();
      };
      if (response.destroyed) onClose();
      else response.once('close', onClose);
    });
  }

  /** What nobody waits for, but what belongs to it. */
  goesOn(work: Promise<unknown>): void {
    this.#rest = work.catch(() => undefined);
  }

  /** Resolves when that is done. */
  get rest(): Promise<unknown> {
    return this.#rest;
  }

  /** Ends it without an answer. */
  reset(): void {
    this.response.socket?.resetAndDestroy();
  }

  /** Ends all that it still does. */
  close(): void {
    this.#closing.abort(new Error('the simulator closes'));
    this.reset();
  }
}

/** Why a body is not taken. */
export class NotTaken extends Error {
  readonly why: 'tooLarge' | 'overloaded';

  constructor(why: 'tooLarge' | 'overloaded') {
    super(why);
    this.why = why;
  }
}
