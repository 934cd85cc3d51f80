import type { Dispatcher } from 'undici';

/** What is used of undici's controller of a request. */
type Controller = Pick<Dispatcher.DispatchController, 'pause' | 'resume' | 'abort'>;

/** Who waits for a piece. */
interface Waiting {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

/** The body of an answer as it comes: the node is paused while as much as `readAheadBytes` waits here. To be iterated once. */
export class AnswerPieces implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #controller: Controller;
  readonly #readAheadBytes: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #end: { error?: unknown } | undefined;
  #waiting: Waiting | undefined;

  constructor(controller: Controller, readAheadBytes: number) {
    this.#controller = controller;
    this.#readAheadBytes = readAheadBytes;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** A piece came. */
  push(piece: Uint8Array): void {
    if (this.#waiting !== undefined) {
      this.#take().resolve({ done: false, value: piece });
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes < this.#readAheadBytes || this.#paused) return;
    this.#paused = true;
    this.#controller.pause();
  }

  /** It is over: whole, or cut where there is an `error`. What came before is still handed out. */
  end(end: { error?: unknown }): void {
    this.#end ??= end;
    if (this.#waiting === undefined) return;
    if ('error' in this.#end) this.#take().reject(this.#end.error);
    else this.#take().resolve(DONE);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bytes -= piece.length;
      if (this.#paused && this.#bytes < this.#readAheadBytes) {
        this.#paused = false;
        this.#controller.resume();
      }
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#end === undefined) return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
    return 'error' in this.#end ? Promise.reject(this.#end.error) : Promise.resolve(DONE);
  }

  /** Nobody wants the rest. */
  return(): Promise<IteratorResult<Uint8Array>> {
    if (this.#end === undefined) this.#controller.abort(new Error('not wanted'));
    return Promise.resolve(DONE);
  }

  #take(): Waiting {
    const waiting = this.#waiting!;
    this.#waiting = undefined;
    return waiting;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
