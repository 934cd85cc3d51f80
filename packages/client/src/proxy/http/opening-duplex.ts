import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tunnel, TunnelStream } from '../../tunnel/types.js';
import { PROXY_LIMITS } from '../limits.js';

type Finish = (error?: Error | null) => void;

interface Opened {
  stream: TunnelStream;
  writer: WritableStreamDefaultWriter<Uint8Array>;
  reader: ReadableStreamDefaultReader<Uint8Array>;
}

/**
 * The socket of one plain request: opens its stream with what is first written to it, so that the head, and as much of
 * the body as is at hand, travels with the connect. Any failure of the stream, that of its dial included, destroys it
 * with the TunnelError.
 */
export class OpeningDuplex extends Duplex {
  readonly #tunnel: Tunnel;
  readonly #target: { host: string; port: number };
  readonly #abort = new AbortController();
  readonly #opened: Promise<Opened>;
  #open!: (opening: Promise<Opened>) => void;
  #gathering = true;
  #firstBytes: Uint8Array[] = [];
  #firstBytesCount = 0;

  constructor(tunnel: Tunnel, target: { host: string; port: number }) {
    super({ allowHalfOpen: true });
    this.#tunnel = tunnel;
    this.#target = target;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    this.#opened.catch((error: Error) => this.destroy(error));
  }

  /** The answer is complete: what was written is still sent, then nothing more is wanted of the target. */
  destroySoon(): void {
    this.once('finish', () => this.destroy());
    this.end();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, finish: Finish): void {
    this.#send([chunk], finish);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, finish: Finish): void {
    const buffers = chunks.map(({ chunk }) => chunk);
    this.#send(buffers, finish);
  }

  override _final(finish: Finish): void {
    void settle(
      this.#opened.then(({ writer }) => writer.close()),
      finish,
    );
  }

  override _read(): void {
    this.#receive().catch((error: Error) => this.destroy(error));
  }

  override _destroy(error: Error | null, finish: Finish): void {
    this.#abort.abort();
    void this.#release();
    finish(error);
  }

  async #release(): Promise<void> {
    try {
      const { stream } = await this.#opened;
      stream.reset('ABORTED');
    } catch {
      // It was never opened.
    }
  }

  #send(chunks: Uint8Array[], finish: Finish): void {
    if (!this.#gathering) {
      void settle(this.#forward(chunks), finish);
      return;
    }
    if (this.#firstBytes.length === 0) this.#open(this.#connect());
    for (const chunk of chunks) this.#firstBytesCount += chunk.length;
    this.#firstBytes.push(...chunks);
    if (this.#firstBytesCount < PROXY_LIMITS.maxFirstBytes) finish();
    else void settle(this.#opened, finish);
  }

  async #connect(): Promise<Opened> {
    // What is written in this turn of the event loop (a head, and a body that came with it) is one piece.
    await nextTurn();
    this.#gathering = false;
    const stream = await this.#tunnel.connect({
      ...this.#target,
      firstBytes: this.#firstBytes,
      openReply: 'early',
      signal: this.#abort.signal,
    });
    this.#firstBytes = [];
    stream.opened.catch((error: Error) => this.destroy(error));
    const writer = stream.writable.getWriter();
    writer.closed.catch(ignore);
    return { stream, writer, reader: stream.readable.getReader() };
  }

  async #forward(chunks: Uint8Array[]): Promise<void> {
    const { writer } = await this.#opened;
    for (const chunk of chunks) {
      await writer.ready;
      writer.write(chunk).catch(ignore);
    }
    await writer.ready;
  }

  async #receive(): Promise<void> {
    const { reader } = await this.#opened;
    const { done, value } = await reader.read();
    this.push(done ? null : value);
  }
}

async function settle(promise: Promise<unknown>, finish: Finish): Promise<void> {
  let failure: Error | undefined;
  try {
    await promise;
  } catch (error) {
    failure = error as Error;
  }
  finish(failure);
}

function ignore(): void {}
