/** Bytes from the target that the application has not read yet, as a web stream or one by one. */
import { Deferred } from './deferred.js';

export class DownloadQueue {
  readonly #chunks: Uint8Array[] = [];
  readonly #onChange: () => void;
  readonly #source: () => Uint8Array | undefined;
  #readable: ReadableStream<Uint8Array> | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #bytes = 0;
  #received = 0;
  #end: { error?: unknown } | undefined;
  #over = false;
  #cancelled = false;
  #wanted: Deferred<void> | undefined;

  /**
   * `onChange` is called when the application has read something, or wants no more. `source` gives what whoever carries the
   * stream holds for it; it is asked when the application wants something, and again after each `wake`.
   */
  constructor(onChange: () => void, source: () => Uint8Array | undefined = () => undefined) {
    this.#onChange = onChange;
    this.#source = source;
  }

  /** What `next` gives, as a web stream. Made when it is asked for, since not everybody does. */
  get readable(): ReadableStream<Uint8Array> {
    this.#readable ??= new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (this.#over) this.#tellEnd(controller);
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#cancel(),
      },
      { highWaterMark: 0 },
    );
    return this.#readable;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that came so far. */
  get received(): number {
    return this.#received;
  }

  /** The application waits for bytes. */
  get wanted(): boolean {
    return this.#wanted !== undefined;
  }

  /** The application wants no more. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Bytes came. */
  push(chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    if (this.#end !== undefined || this.#cancelled || chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    this.wake();
  }

  /** The target has ended its side. What is held can still be read. */
  end(): void {
    this.#end ??= {};
    this.wake();
  }

  /** The stream was cut. What is held can still be read, unless `discard`. */
  fail(error: unknown, { discard }: { discard: boolean }): void {
    if (this.#over) return;
    // An end that the application has not come to yet gives way: both sides of the stream were cut.
    if (this.#end === undefined || discard) this.#end = { error };
    if (discard) this.#discard();
    // A reader need not ask to hear of it: with nothing left to read the error shows at once.
    if (this.#chunks.length === 0) this.#finish();
    this.wake();
  }

  /** The next bytes; undefined after the last ones. One call at a time. Rejects when the stream was cut. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#take();
      if (chunk !== undefined) {
        this.#onChange();
        return chunk;
      }
      if (this.#end !== undefined) {
        this.#finish();
        if ('error' in this.#end) throw this.#end.error;
        return undefined;
      }
      await this.#something();
    }
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const chunk = this.#take();
    if (chunk !== undefined) {
      controller.enqueue(chunk);
      this.#onChange();
      return;
    }
    if (this.#end !== undefined) {
      this.#finish();
      return;
    }
    await this.#something();
    await this.#pull(controller);
  }

  /** What is held here, or by who carries the stream. */
  #take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.byteLength;
      return chunk;
    }
    const next = this.#end === undefined ? this.#source() : undefined;
    if (next !== undefined) this.#received += next.byteLength;
    return next;
  }

  /** Resolves once there may be something to read. */
  #something(): Promise<void> {
    this.#wanted ??= new Deferred();
    return this.#wanted.promise;
  }

  #cancel(): void {
    this.#cancelled = true;
    this.#over = true;
    this.#discard();
    this.#onChange();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#controller !== undefined) this.#tellEnd(this.#controller);
  }

  #tellEnd(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#end !== undefined && 'error' in this.#end) controller.error(this.#end.error);
    else controller.close();
  }

  #discard(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
  }

  /** There may be something to read. */
  wake(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }
}
