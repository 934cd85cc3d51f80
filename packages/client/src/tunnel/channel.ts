/**
 * Both ends of one stream: the application's (`stream`) and that of the level that carries it (everything else). It holds
 * the bytes in between and knows which sides have ended; it knows nothing of the wire.
 */
import { TunnelError } from '../errors.js';
import { Deferred } from './deferred.js';
import { DownloadQueue } from './download-queue.js';
import { ENDS, type StreamEnds } from './stream-ends.js';
import type { TunnelStream } from './types.js';
import { UploadQueue } from './upload-queue.js';

/** What the level that carries a stream is told. */
export interface ChannelDriver {
  /** The application wrote, read, or ended a side: there may be something to do. */
  readonly onActivity: () => void;
  /** The stream was cut here; the node does not know it yet. */
  readonly onReset: () => void;
  /** How many of `wanted` bytes it takes now, where it holds what waits to be sent: each is taken in `onActivity`. */
  readonly room?: (wanted: number) => number;
  /** The next bytes for the application, where it holds what came. They count as used up. */
  readonly read?: () => Uint8Array | undefined;
}

export class Channel {
  readonly stream: TunnelStream & { readonly [ENDS]: StreamEnds };
  readonly #upload = new UploadQueue(
    () => this.#activity(),
    (wanted) => this.#driver?.room?.(wanted),
  );
  readonly #download = new DownloadQueue(
    () => this.#activity(),
    () => this.#driver?.read?.(),
  );
  readonly #opened = new Deferred<void>();
  readonly #closed = new Deferred<void>();
  readonly #uploaded = new Deferred<void>();
  readonly #onOver: (error: TunnelError | undefined) => void;
  #writable: WritableStream<Uint8Array> | undefined;
  #writableController: WritableStreamDefaultController | undefined;
  /** With what it was cut. */
  #cause: TunnelError | undefined;
  #driver: ChannelDriver | undefined;
  /** First bytes that do not fit in yet. */
  #first: Promise<void> | undefined;
  #targetEnded = false;
  #over = false;

  /** `onOver` is called once, when the stream is over: without an error after a clean end. */
  constructor(onOver: (error: TunnelError | undefined) => void) {
    this.#onOver = onOver;
    const download = this.#download;
    const writable = (): WritableStream<Uint8Array> => (this.#writable ??= this.#makeWritable());
    this.stream = {
      // Made when they are asked for.
      get readable() {
        return download.readable;
      },
      get writable() {
        return writable();
      },
      opened: this.#opened.promise,
      closed: this.#closed.promise,
      reset: (code = 'STREAM_CLOSED') => this.reset(new TunnelError(code, 'the stream was reset here')),
      [ENDS]: {
        read: () => download.next(),
        write: (chunk) => this.#afterFirst(() => this.#upload.write(chunk)),
        end: () => this.#endWrites(),
      },
    };
  }

  /** Bytes that wait to be sent. */
  get unsentBytes(): number {
    return this.#upload.bytes;
  }

  /** Bytes that were taken to be sent. */
  get bytesUp(): number {
    return this.#upload.taken;
  }

  /** The application will send no more, and nothing waits. */
  get uploadDrained(): boolean {
    return this.#upload.drained;
  }

  /** The application has given up its side: what it wrote last may be missing. */
  get uploadDropped(): boolean {
    return this.#upload.dropped;
  }

  /** Bytes that the application has not read. */
  get heldBytes(): number {
    return this.#download.bytes;
  }

  /** Bytes that came. */
  get bytesDown(): number {
    return this.#download.received;
  }

  /** The application waits for bytes. */
  get downloadWanted(): boolean {
    return this.#download.wanted;
  }

  /** The application wants no more bytes. */
  get downloadCancelled(): boolean {
    return this.#download.cancelled;
  }

  /** The target has ended its side. */
  get targetEnded(): boolean {
    return this.#targetEnded;
  }

  /** Nothing happens on this stream any more. */
  get over(): boolean {
    return this.#over;
  }

  /** The level takes charge. */
  drive(driver: ChannelDriver): void {
    this.#driver = driver;
  }

  /** Puts bytes in front of everything that the application writes. What does not fit in at once must not change until it does. */
  writeFirst(chunks: readonly Uint8Array[]): void {
    const written = Promise.all(chunks.map((chunk) => this.#upload.write(chunk))).then(
      () => {},
      // The stream was cut: whoever writes next hears of it.
      () => {},
    );
    this.#first = written.then(() => {
      this.#first = undefined;
    });
  }

  /** Takes up to `maxBytes` to send. */
  take(maxBytes: number): Uint8Array | undefined {
    return this.#upload.take(maxBytes);
  }

  /** There may be room for more again, where the driver says so. */
  wakeUpload(): void {
    this.#upload.wake();
  }

  /** There may be something to read again, where the driver gives it. */
  wakeDownload(): void {
    this.#download.wake();
  }

  /** The target was reached. */
  markOpened(): void {
    this.#opened.resolve();
  }

  /** Bytes from the target. */
  push(chunk: Uint8Array): void {
    if (!this.#over) this.#download.push(chunk);
  }

  /** The target has ended its side. */
  endDownload(): void {
    this.#targetEnded = true;
    this.#download.end();
  }

  /** The application has ended its side, and the node has everything that was written. */
  endUpload(): void {
    this.#uploaded.resolve();
  }

  /** Both sides have ended cleanly. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#uploaded.resolve();
    this.#download.end();
    this.#closed.resolve();
    this.#onOver(undefined);
  }

  /** The stream was cut by the other side or on the way. What came before can still be read. */
  fail(error: TunnelError): void {
    this.#cut(error, false);
  }

  /** The stream is cut here. */
  reset(error: TunnelError): void {
    if (this.#over) return;
    this.#cut(error, true);
    this.#driver?.onReset();
  }

  #cut(error: TunnelError, discard: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#upload.fail(error);
    this.#download.fail(error, { discard });
    this.#writableController?.error(error);
    this.#cause = error;
    this.#opened.reject(error);
    this.#closed.reject(error);
    this.#uploaded.reject(error);
    this.#onOver(error);
  }

  #makeWritable(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#writableController = controller;
        // Not `abort` below, which only comes when a write that waits for room is done.
        (controller as WritableStreamDefaultController & { readonly signal: AbortSignal }).signal.addEventListener(
          'abort',
          () => this.#upload.drop(),
        );
        if (this.#cause !== undefined) controller.error(this.#cause);
      },
      write: (chunk) => {
        if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream takes Uint8Array chunks');
        return this.#afterFirst(() => this.#upload.write(chunk));
      },
      close: () => this.#endWrites(),
    });
  }

  #endWrites(): Promise<void> {
    return this.#afterFirst(() => {
      this.#upload.end();
      return this.#uploaded.promise;
    });
  }

  #afterFirst(run: () => Promise<void>): Promise<void> {
    return this.#first === undefined ? run() : this.#first.then(run);
  }

  #activity(): void {
    if (!this.#over) this.#driver?.onActivity();
  }
}
