import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** A connection to a target that is only memory: the test sends, ends, resets and stalls as the target. */
export class FakeSocket extends EventEmitter {
  destroyed = false;
  writableEnded = false;
  /** What the target received. */
  readonly received: Buffer[] = [];
  #paused = false;
  #waiting: Array<Uint8Array | 'end'> = [];
  #stalled = false;
  #held: Array<() => void> = [];

  asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** Whether the node reads. */
  get paused(): boolean {
    return this.#paused;
  }

  /** The target sends bytes; they come in when the node reads. */
  push(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#deliver();
  }

  /** The target ends its side. */
  pushEnd(): void {
    this.#waiting.push('end');
    this.#deliver();
  }

  /** The target resets the connection: what has not come in is lost. */
  pushReset(): void {
    this.#waiting = [];
    if (this.destroyed) return;
    this.destroyed = true;
    queueMicrotask(() => {
      this.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
      this.emit('close');
    });
  }

  /** The target stops or goes on taking bytes. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    if (stalled) return;
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }

  write(bytes: Buffer, done: (error?: Error) => void): boolean {
    if (this.destroyed) {
      queueMicrotask(() => done(new Error('destroyed')));
      return false;
    }
    // What is handed over may be reused, so it is copied as the system would.
    const copy = Buffer.from(bytes);
    const take = (): void => {
      if (this.destroyed) return;
      this.received.push(copy);
      queueMicrotask(() => done());
    };
    if (this.#stalled) this.#held.push(take);
    else take();
    return true;
  }

  end(): void {
    this.writableEnded = true;
  }

  pause(): this {
    this.#paused = true;
    return this;
  }

  resume(): this {
    this.#paused = false;
    queueMicrotask(() => this.#deliver());
    return this;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    queueMicrotask(() => this.emit('close'));
  }

  resetAndDestroy(): void {
    this.destroy();
  }

  #deliver(): void {
    while (!this.#paused && !this.destroyed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next === 'end') this.emit('end');
      else this.emit('data', next);
    }
  }
}
