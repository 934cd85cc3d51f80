/** Why an upload ended before its end. */
export type UploadFault = 'too-large' | 'cut';

/**
 * A request body on its way to the node: bounded, never held as a whole, and it knows whether all of it was handed over.
 * As long as it was not, the node cannot have run the request.
 */
export class Upload implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #contentLength: number | undefined;
  readonly #maxBytes: number;
  readonly #onProgress: (bytes: number) => void;
  #bytes = 0;
  #ended = false;
  #fault: UploadFault | undefined;

  constructor(
    body: AsyncIterable<Uint8Array>,
    contentLength: number | undefined,
    maxBytes: number,
    onProgress: (bytes: number) => void,
  ) {
    this.#body = body;
    this.#contentLength = contentLength;
    this.#maxBytes = maxBytes;
    this.#onProgress = onProgress;
  }

  /** True from when the last byte was handed over; with a known length the end needs no further sign. */
  get whole(): boolean {
    return this.#ended || (this.#contentLength !== undefined && this.#bytes >= this.#contentLength);
  }

  get fault(): UploadFault | undefined {
    return this.#fault;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const source = this.#body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#next(source);
        if (next === undefined) break;
        this.#bytes += next.length;
        if (this.#bytes > this.#maxBytes) {
          this.#fault = 'too-large';
          throw new Error('the request body is too large');
        }
        this.#onProgress(next.length);
        yield next;
      }
      this.#ended = true;
    } finally {
      await source.return?.();
    }
  }

  async #next(source: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const next = await source.next();
      return next.done === true ? undefined : next.value;
    } catch (error) {
      this.#fault = 'cut';
      throw error;
    }
  }
}
