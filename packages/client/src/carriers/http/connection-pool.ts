/**
 * Connections to one origin. Keeps some ready, opened in parallel with everything else: a request takes the first that is
 * ready, whichever that is, and never one that is known to be dead.
 */
import { setMaxListeners } from 'node:events';
import type { AbortLike } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../../limits.js';
import type { OpenSocket } from './connect.js';
import { Connection } from './connection.js';

export interface PoolOptions {
  /** `scheme://host:port` of the requests. */
  readonly origin: string;
  /** Connections to keep ready. */
  readonly ready: number;
  /** Most connections at once. */
  readonly max: number;
  /** Opens one. Rejects with `ConnectError`. */
  readonly open: (signal: AbortSignal) => Promise<OpenSocket>;
}

interface Waiter {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
}

export class ConnectionPool {
  readonly #options: PoolOptions;
  /** Idle ones, the one used last at the end: it is the least likely to have been dropped on the way. */
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();
  readonly #waiters: Waiter[] = [];
  readonly #closing = new AbortController();
  readonly #opens = new Set<Promise<void>>();
  #refillMs: number = CLIENT_LIMITS.minRefillMs;
  #refill: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    // Each open listens to it.
    setMaxListeners(options.max + 1, this.#closing.signal);
  }

  /** Connections of any state: ready, in use, and being opened. */
  get counts(): { ready: number; busy: number; opening: number } {
    return { ready: this.#idle.length, busy: this.#busy.size, opening: this.#opens.size };
  }

  /** Opens what is missing. */
  prepare(): void {
    if (this.#closing.signal.aborted) return;
    const { ready, max } = this.#options;
    const wanted = Math.min(
      max,
      Math.max(ready, this.#busy.size + this.#waiters.length + CLIENT_LIMITS.spareConnections),
    );
    for (let count = this.#idle.length + this.#busy.size + this.#opens.size; count < wanted; count += 1) this.#open();
  }

  /** A connection for one request: give it back with `release`. Rejects with `ConnectError` when none can be opened. */
  acquire(signal: AbortLike | undefined): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted || signal?.aborted) {
        reject(new Error('given up'));
        return;
      }
      this.#refillMs = CLIENT_LIMITS.minRefillMs;
      const idle = this.#takeIdle();
      if (idle !== undefined) {
        resolve(idle);
        this.prepare();
        return;
      }
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new Error('given up'));
      };
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        resolve: (connection) => {
          settled();
          resolve(connection);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#waiters.push(waiter);
      this.prepare();
    });
  }

  /** The request on it is over. */
  release(connection: Connection): void {
    this.#busy.delete(connection);
    if (connection.giveBack() && !this.#closing.signal.aborted) this.#offer(connection);
    else void connection.close();
    // Someone may wait for the place that a lost one leaves.
    if (this.#waiters.length > 0) this.prepare();
    else this.#refillLater();
  }

  /** Closes all. Resolves when no socket is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#refill);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('given up'));
    const connections = [...this.#idle.splice(0), ...this.#busy];
    await Promise.all([...connections.map((connection) => connection.close()), ...this.#opens]);
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable) {
        connection.take();
        this.#busy.add(connection);
        return connection;
      }
      void connection.close();
    }
    return undefined;
  }

  #offer(connection: Connection): void {
    this.#idle.push(connection);
    const waiter = this.#waiters[0];
    if (waiter === undefined) return;
    const taken = this.#takeIdle();
    if (taken === undefined) return;
    this.#waiters.shift();
    waiter.resolve(taken);
  }

  #open(): void {
    const opening = this.#options.open(this.#closing.signal).then(
      (open) => {
        this.#opens.delete(opening);
        const connection = new Connection(this.#options.origin, open, {
          onIdleLoss: (lost) => this.#onIdleLoss(lost),
        });
        if (this.#closing.signal.aborted) return connection.close();
        this.#offer(connection);
        return undefined;
      },
      (error: unknown) => {
        this.#opens.delete(opening);
        // While others are still being opened, those who wait may yet be lucky.
        if (this.#opens.size === 0) for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
        this.#refillLater();
      },
    );
    this.#opens.add(opening);
  }

  #onIdleLoss(connection: Connection): void {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    void connection.close();
    this.#refillLater();
  }

  /** Lost connections are replaced, ever more slowly while there are no requests: nothing is worn out by standing by. */
  #refillLater(): void {
    if (this.#refill !== undefined || this.#closing.signal.aborted) return;
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      this.#refillMs = Math.min(this.#refillMs * 2, CLIENT_LIMITS.maxRefillMs);
      this.prepare();
    }, this.#refillMs);
    this.#refill.unref();
  }
}
