/** One connection: a socket and the undici client that speaks HTTP/1.1 on it, one request at a time. */
import type { Socket } from 'node:net';
import { Client } from 'undici';
import { CLIENT_LIMITS } from '../../limits.js';
import type { CarrierStep } from '../carrier.js';
import type { OpenSocket } from './connect.js';

/** What a connection reports. */
export interface ConnectionHooks {
  /** It was lost while it was idle. */
  readonly onIdleLoss: (connection: Connection) => void;
}

export class Connection {
  readonly client: Client;
  readonly socket: Socket;
  readonly #raw: Socket;
  readonly steps: ReadonlyArray<readonly [CarrierStep, number]>;
  readonly #hooks: ConnectionHooks;
  #busy = false;
  #used = false;
  #dead = false;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(origin: string, { socket, raw, steps }: OpenSocket, hooks: ConnectionHooks) {
    this.socket = socket;
    this.#raw = raw;
    this.steps = steps;
    this.#hooks = hooks;
    this.client = new Client(origin, {
      pipelining: 1,
      // The exchange has its own clock; nothing in here may fire earlier.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: CLIENT_LIMITS.idleConnectionMs,
      keepAliveMaxTimeout: CLIENT_LIMITS.maxIdleConnectionMs,
      // undici asks for a socket before the first request, and again should that one be gone: then this connection is over.
      connect: (_options, callback) => {
        // Later, since undici does not expect to be called back from within.
        queueMicrotask(() => {
          if (this.#used || !this.#alive) {
            this.#lost();
            callback(new LostBeforeUse(), null);
            return;
          }
          this.#used = true;
          this.#handOver();
          callback(null, this.socket);
        });
      },
    });
    this.client.on('disconnect', () => this.#lost());
    this.client.on('connectionError', () => this.#lost());
    this.#watchUnused();
  }

  /**
   * Grows whenever the system takes bytes of a request. A body is one write, of which Node counts nothing until all of it has
   * left: on a slow line that takes minutes. What is left of it only the handle tells, which is Node's own.
   */
  get progress(): number {
    return this.#raw.bytesWritten - this.#queuedBytes;
  }

  /** Bytes of a request that the system has not taken yet. */
  get #queuedBytes(): number {
    const { writableLength, _handle: handle } = this.#raw as Socket & WithHandle;
    return handle?.writeQueueSize ?? writableLength;
  }

  /** Whether a request may be sent on it. */
  get usable(): boolean {
    return !this.#busy && this.#alive;
  }

  get #alive(): boolean {
    return !this.#dead && !this.socket.destroyed && this.socket.writable && !this.socket.readableEnded;
  }

  /** Takes it for one request. */
  take(): void {
    this.#busy = true;
  }

  /**
   * The request is over. Returns whether the connection may carry another: not when the answer came before all of the request
   * had left, as a redirect does, since the rest would still go out from memory that the sender may use again.
   */
  giveBack(): boolean {
    this.#busy = false;
    return this.usable && this.#queuedBytes === 0;
  }

  /** Closes it, whatever it does. Resolves when its socket is gone. */
  async close(): Promise<void> {
    this.#dead = true;
    clearTimeout(this.#expiry);
    const gone = this.socket.closed
      ? Promise.resolve()
      : new Promise<void>((resolve) => this.socket.once('close', resolve));
    if (!this.#used) this.socket.destroy();
    await this.client.destroy();
    this.socket.destroy();
    await gone;
  }

  /**
   * Until the first request the socket is ours to watch. Anything that becomes readable on it means that it is over: the end,
   * or an answer to nothing such as a timeout page.
   */
  #watchUnused(): void {
    this.socket.unref();
    for (const event of ['readable', 'end', 'close', 'error'] as const) this.socket.on(event, this.#onUnusedLoss);
    this.#expiry = setTimeout(this.#onUnusedLoss, CLIENT_LIMITS.idleConnectionMs);
    this.#expiry.unref();
  }

  readonly #onUnusedLoss = (): void => {
    this.#lost();
    this.socket.destroy();
  };

  #handOver(): void {
    clearTimeout(this.#expiry);
    // undici adds its listeners right away: nothing can happen to the socket in between.
    for (const event of ['readable', 'end', 'close', 'error'] as const)
      this.socket.removeListener(event, this.#onUnusedLoss);
    this.socket.ref();
  }

  #lost(): void {
    if (this.#dead) return;
    this.#dead = true;
    clearTimeout(this.#expiry);
    if (!this.#busy) this.#hooks.onIdleLoss(this);
  }
}

interface WithHandle {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** The connection was found dead before anything was sent on it. */
class LostBeforeUse extends Error {
  constructor() {
    super('the connection was lost before the request');
  }
}
