/**
 * The body of one answer, as it comes. Where its length is told, pieces go straight to their place: they are garbage at once
 * then, which spares the collector much.
 */
export class AnswerBody {
  readonly #chunks: Uint8Array[] = [];
  readonly #maxBytes: number;
  readonly #admits: (bytes: number) => boolean;
  #told = 0;
  #whole: Uint8Array | undefined;
  #bytes = 0;

  /** `admits` is asked before memory is taken, for what was told or for each piece. */
  constructor(maxBytes: number, admits: (bytes: number) => boolean = () => true) {
    this.#maxBytes = maxBytes;
    this.#admits = admits;
  }

  /** How long it will be, as far as its head says. */
  expect(contentLength: string | string[] | undefined): void {
    if (typeof contentLength === 'string') this.#told = Number(contentLength);
  }

  /** Takes a piece. False: it is too large. */
  add(chunk: Uint8Array): boolean {
    const end = this.#bytes + chunk.byteLength;
    if (end > this.#maxBytes) return false;
    if (this.#bytes === 0 && this.#told > end && this.#told <= this.#maxBytes) {
      if (!this.#admits(this.#told)) return false;
      this.#whole = Buffer.allocUnsafeSlow(this.#told);
    }
    if (this.#whole === undefined) {
      if (!this.#admits(chunk.byteLength)) return false;
      this.#chunks.push(chunk);
    } else {
      if (end > this.#whole.byteLength) return false;
      this.#whole.set(chunk, this.#bytes);
    }
    this.#bytes = end;
    return true;
  }

  /** What came, as one. */
  join(): Uint8Array {
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.#bytes);
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bytes);
  }
}
