import type { SegmentDatagramValue } from '@millrace/protocol/level2';
import type { StreamEngineEvent } from '@millrace/protocol/stream';
import type { Level2Client } from './level2-client.js';

/** How a stream ended: `closed`, or the code that it was cut or refused with. */
export type End = 'closed' | (string & {});

/** One stream of a {@link Level2Client}, as an application sees it. */
export class ClientStream {
  readonly sid: number;
  /** Resolves with `opened`, or with the code of a failure. */
  readonly opened: Promise<string>;
  /** Resolves when nothing more comes of it. */
  readonly end: Promise<End>;
  readonly #client: Level2Client;
  #tellOpened!: (how: string) => void;
  #tellEnd!: (how: End) => void;
  #wakeReader = (): void => {};
  #wakeWriter = (): void => {};
  #gone = false;

  constructor(client: Level2Client, sid: number) {
    this.#client = client;
    this.sid = sid;
    this.opened = new Promise((resolve) => (this.#tellOpened = resolve));
    this.end = new Promise((resolve) => (this.#tellEnd = resolve));
  }

  on(event: StreamEngineEvent): void {
    if (event.type === 'opened') this.#tellOpened('opened');
    if (event.type === 'failed') this.#tellOpened(event.code);
    if (event.type === 'failed' || event.type === 'reset' || event.type === 'closed') {
      this.#gone = true;
      this.#tellEnd('code' in event ? event.code : 'closed');
    }
    this.#wakeReader();
    this.#wakeWriter();
  }

  /** Writes all bytes, as fast as they are taken. Throws when the stream is gone. */
  async write(bytes: Uint8Array | string): Promise<void> {
    let left: Uint8Array = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    while (left.length > 0) {
      if (this.#gone) throw new Error(`the stream is gone: ${await this.end}`);
      left = left.subarray(this.#client.engine.write(this.sid, left, this.#client.now()));
      this.#client.wake();
      if (left.length > 0) await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    }
  }

  /** Ends this side. */
  finish(): void {
    this.#client.engine.finish(this.sid, this.#client.now());
    this.#client.wake();
  }

  /** Cuts it. */
  reset(code = 'STREAM_CLOSED'): void {
    this.#client.engine.reset(this.sid, code, this.#client.now());
    this.#client.wake();
    // The engine tells of no reset that was asked for here.
    this.on({ type: 'reset', sid: this.sid, code });
  }

  /** The next bytes, or null at the end. Throws when it is cut. */
  async read(max?: number): Promise<Uint8Array | null> {
    for (;;) {
      const { engine } = this.#client;
      const bytes = engine.read(this.sid, max);
      if (bytes !== undefined) {
        if (bytes !== null) engine.consume(this.sid, bytes.length, this.#client.now());
        this.#client.wake();
        return bytes;
      }
      if (this.#gone) throw new Error(`the stream is gone: ${await this.end}`);
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  /** Exactly `length` bytes, as text. */
  async readText(length: number): Promise<string> {
    const parts: Uint8Array[] = [];
    for (let left = length; left > 0;) {
      const bytes = await this.read(left);
      if (bytes === null) throw new Error(`the stream ended ${left} bytes too early`);
      parts.push(bytes);
      left -= bytes.length;
    }
    return Buffer.concat(parts).toString();
  }

  /** Reads to the end, giving every piece to `each`. Returns how many bytes there were. */
  async drain(each: (bytes: Uint8Array) => void = () => {}): Promise<number> {
    let length = 0;
    for (let bytes = await this.read(); bytes !== null; bytes = await this.read()) {
      each(bytes);
      length += bytes.length;
    }
    return length;
  }
}

/** One flow of a {@link Level2Client}. */
export class ClientFlow {
  readonly sid: number;
  readonly end: Promise<End>;
  readonly #client: Level2Client;
  #tellEnd!: (how: End) => void;
  #wake = (): void => {};

  constructor(client: Level2Client, sid: number) {
    this.#client = client;
    this.sid = sid;
    this.end = new Promise((resolve) => (this.#tellEnd = resolve));
  }

  on(event: StreamEngineEvent): void {
    if (event.type === 'reset' || event.type === 'failed') this.#tellEnd(event.code);
    this.#wake();
  }

  /** Sends a datagram; without a target to that of the flow. */
  send(data: Uint8Array | string, port?: number, host?: string): void {
    const d = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const to = { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
    this.#client.engine.sendDatagram(this.sid, { d, ...to }, this.#client.now());
    this.#client.wake();
  }

  /** The next datagram that came. */
  async next(): Promise<SegmentDatagramValue> {
    for (;;) {
      const datagram = this.#client.engine.readDatagram(this.sid);
      if (datagram !== undefined) return datagram;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#client.engine.reset(this.sid, 'STREAM_CLOSED', this.#client.now());
    this.#client.wake();
  }
}
