/** A tunnel whose other end is held by the test: what is opened, said and ended there is what the test says. */
import { Arrivals } from '@millrace/testkit';
import type { ErrorCode, MillraceEvent } from '@millrace/protocol';
import { EventHub } from '@millrace/protocol';
import { TunnelError } from '../../src/errors.js';
import type { ConnectOptions, Datagram, Tunnel, TunnelStream, TunnelUdp } from '../../src/tunnel/types.js';

/** One call of `connect`, which the test answers. */
export interface FakeConnect {
  readonly options: ConnectOptions;
  /** The first bytes, as one. */
  readonly firstBytes: Buffer;
  /** The dial worked. */
  accept(): FakeStream;
  /** The dial failed. */
  fail(code: ErrorCode): void;
}

/** The target's end of a stream. */
export interface FakeStream {
  /** What came from the client, first bytes included. */
  received(bytes: number): Promise<Buffer>;
  readonly receivedBytes: number;
  /** Resolves once the client has ended its side. */
  readonly ended: Promise<void>;
  /** Resolves with the code once the client has reset the stream. */
  readonly resetBy: Promise<ErrorCode>;
  /** Sends; resolves once there is room for more. */
  send(bytes: Uint8Array | string): Promise<void>;
  /** Chunks that were sent and not taken yet. */
  readonly unread: number;
  end(): void;
  /** The stream is cut. */
  cut(code?: ErrorCode): void;
  /** The target takes no more bytes, but goes on sending. */
  refuseWrites(): void;
  /** Writes wait from now on until `release`. */
  hold(): void;
  release(): void;
}

/** The far end of an association. */
export interface FakeUdp {
  readonly sent: Arrivals<Datagram>;
  readonly closed: Promise<void>;
  deliver(datagram: Datagram): void;
  /** The association fails. */
  fail(code: ErrorCode): void;
}

export interface FakeTunnel extends Tunnel {
  readonly connects: Arrivals<FakeConnect>;
  readonly associations: Arrivals<FakeUdp>;
  readonly seen: MillraceEvent[];
  /** Streams that are neither ended nor reset. */
  readonly open: number;
}

export function fakeTunnel(): FakeTunnel {
  const connects = new Arrivals<FakeConnect>('connect');
  const associations = new Arrivals<FakeUdp>('association');
  const events = new EventHub();
  const seen: MillraceEvent[] = [];
  events.subscribe((event) => seen.push(event));
  let open = 0;
  return {
    connects,
    associations,
    events,
    seen,
    get open() {
      return open;
    },
    connect(options) {
      const stream = new FakeEnd(() => (open -= 1));
      return new Promise((resolve, reject) => {
        let opened = options.openReply === 'early';
        options.signal?.addEventListener('abort', () => {
          reject(new TunnelError('ABORTED', 'aborted'));
          if (opened) stream.reset('ABORTED');
        });
        const firstBytes = Buffer.concat([options.firstBytes ?? []].flat());
        if (opened) {
          open += 1;
          resolve(stream.client);
        }
        connects.push({
          options,
          firstBytes,
          accept() {
            if (!opened) open += 1;
            opened = true;
            stream.opened();
            stream.take(firstBytes);
            resolve(stream.client);
            return stream;
          },
          fail(code) {
            const error = new TunnelError(code, `the dial failed with ${code}`);
            reject(error);
            if (opened) stream.openFailed(error);
          },
        });
      });
    },
    async udp(options) {
      const association = new FakeAssociation();
      options?.signal?.addEventListener('abort', () => association.client.close());
      associations.push(association);
      return association.client;
    },
    probe: () => Promise.reject(new Error('not part of the fake')),
    timings: () => [],
    stats: () => {
      throw new Error('not part of the fake');
    },
    close: () => Promise.resolve(),
  };
}

class FakeEnd implements FakeStream {
  readonly client: TunnelStream;
  readonly ended: Promise<void>;
  readonly resetBy: Promise<ErrorCode>;
  opened!: () => void;
  openFailed!: (error: TunnelError) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #waiting: Array<() => void> = [];
  #down!: ReadableStreamDefaultController<Uint8Array>;
  #up!: WritableStreamDefaultController;
  #room: Array<() => void> = [];
  #held: Array<() => void> | undefined;
  #onEnded!: () => void;
  #onReset!: (code: ErrorCode) => void;
  #over = 0;
  readonly #onOver: () => void;

  constructor(onOver: () => void) {
    this.#onOver = onOver;
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    this.resetBy = new Promise((resolve) => {
      this.#onReset = resolve;
    });
    const opened = new Promise<void>((resolve, reject) => {
      this.opened = resolve;
      this.openFailed = (error) => {
        reject(error);
        this.#fail(error);
      };
    });
    opened.catch(() => {});
    const readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#down = controller;
        },
        pull: () => {
          for (const resolve of this.#room.splice(0)) resolve();
        },
      },
      { highWaterMark: 4 },
    );
    const writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#up = controller;
      },
      write: async (chunk) => {
        if (this.#held) await new Promise<void>((resolve) => this.#held?.push(resolve));
        this.take(chunk);
      },
      close: () => {
        this.#onEnded();
        this.#side();
      },
    });
    this.client = { readable, writable, opened, closed: new Promise(() => {}), reset: (code) => this.reset(code) };
  }

  get receivedBytes(): number {
    return this.#bytes;
  }

  get unread(): number {
    return 4 - (this.#down.desiredSize ?? 4);
  }

  take(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    for (const check of this.#waiting.splice(0)) check();
  }

  async received(bytes: number): Promise<Buffer> {
    while (this.#bytes < bytes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return Buffer.concat(this.#chunks);
  }

  async send(bytes: Uint8Array | string): Promise<void> {
    if ((this.#down.desiredSize ?? 1) <= 0) await new Promise<void>((resolve) => this.#room.push(resolve));
    this.#down.enqueue(Buffer.from(bytes));
  }

  end(): void {
    this.#down.close();
    this.#side();
  }

  cut(code: ErrorCode = 'TARGET_RESET'): void {
    this.#fail(new TunnelError(code, 'cut'));
  }

  refuseWrites(): void {
    this.#up.error(new TunnelError('TARGET_RESET', 'no more'));
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const resolve of held) resolve();
  }

  reset(code: ErrorCode = 'STREAM_CLOSED'): void {
    this.#onReset(code);
    this.#fail(new TunnelError(code, 'reset here'));
  }

  #fail(error: TunnelError): void {
    if (this.#over === 2) return;
    this.#over = 1;
    this.#side();
    this.#up.error(error);
    try {
      this.#down.error(error);
    } catch {
      // It has ended already.
    }
    this.release();
  }

  #side(): void {
    this.#over += 1;
    if (this.#over === 2) this.#onOver();
  }
}

class FakeAssociation implements FakeUdp {
  readonly sent = new Arrivals<Datagram>('datagram');
  readonly closed: Promise<void>;
  readonly client: TunnelUdp;
  #down!: ReadableStreamDefaultController<Datagram>;
  #failed!: (error: TunnelError) => void;

  constructor() {
    let onClosed: () => void;
    this.closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    const ended = new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      void this.closed.then(resolve);
    });
    ended.catch(() => {});
    const readable = new ReadableStream<Datagram>({
      start: (controller) => {
        this.#down = controller;
      },
    });
    let over = false;
    this.client = {
      readable,
      closed: ended,
      dropped: 0,
      send: (datagram) => this.sent.push({ ...datagram, data: Buffer.from(datagram.data) }),
      close: () => {
        if (over) return;
        over = true;
        onClosed();
        try {
          this.#down.close();
        } catch {
          // It has failed already.
        }
      },
    };
  }

  deliver(datagram: Datagram): void {
    this.#down.enqueue(datagram);
  }

  fail(code: ErrorCode): void {
    const error = new TunnelError(code, 'the association failed');
    this.#down.error(error);
    this.#failed(error);
  }
}
