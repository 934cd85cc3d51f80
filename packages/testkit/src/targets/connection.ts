import type { Socket } from 'node:net';
import type { SinkResult, TargetConnection } from './types.js';

interface ByteWaiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Turns what happens on a target's socket into promises. */
export class Connection implements TargetConnection {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  readonly closed: Promise<{ readonly code?: string }>;
  readonly result: Promise<SinkResult>;
  /** Settles {@link result}. */
  settle: { resolve(result: SinkResult): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  #bytesIn = 0;
  #waiters: ByteWaiter[] = [];
  #gone: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    let code: string | undefined;
    // The error is told by `closed`; without a listener it would end the process.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve(code === undefined ? {} : { code }));
    });
    this.ended = new Promise((resolve, reject) => {
      socket.once('end', resolve);
      socket.once('close', () => reject(this.#cut(code)));
    });
    this.result = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      socket.once('close', () => reject(this.#cut(code)));
    });
    this.ended.catch(() => {});
    this.result.catch(() => {});
    socket.once('close', () => {
      this.#gone = this.#cut(code);
      for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#gone);
    });
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Reads the socket: counts every chunk and hands it on. */
  read(onChunk: (chunk: Buffer) => void = () => {}): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytesIn += chunk.length;
      onChunk(chunk);
      const reached = this.#waiters.filter((waiter) => waiter.bytes <= this.#bytesIn);
      if (reached.length === 0) return;
      this.#waiters = this.#waiters.filter((waiter) => waiter.bytes > this.#bytesIn);
      for (const waiter of reached) waiter.resolve();
    });
  }

  received(bytes: number): Promise<void> {
    if (this.#bytesIn >= bytes) return Promise.resolve();
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ bytes, resolve, reject });
    });
  }

  #cut(code: string | undefined): Error {
    return new Error(`the connection is gone${code === undefined ? '' : ` (${code})`} after ${this.#bytesIn} bytes`);
  }
}
