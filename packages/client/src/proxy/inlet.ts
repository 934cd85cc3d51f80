import type { Socket } from 'node:net';
import { AbortFlag, type AbortLike } from '@millrace/protocol';
import { TunnelError } from '../errors.js';
import { PROXY_LIMITS } from './limits.js';
import { endedByReset } from './reset-end.js';

/**
 * The reading side of an application's socket, in whole chunks: waits for them, gives back what was read too far, and
 * knows what is at hand. Holds at most `maxHeldBytes`; then the socket is not read until something was taken.
 *
 * Reading goes on while nobody waits, so that an application that goes away during a dial is noticed.
 */
export class Inlet {
  readonly socket: Socket;
  /** Aborts once the socket has failed, or closed before both sides had ended and all was delivered. */
  readonly gone: AbortLike;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #discard = false;
  readonly #gone = new AbortFlag();
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    this.gone = this.#gone;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => {
      if (endedByReset(socket)) {
        socket.destroy();
        return;
      }
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => this.#fail());
    socket.on('close', () => {
      if (!this.#ended || !socket.writableFinished) this.#fail();
    });
    if (socket.destroyed) this.#fail();
    else socket.resume();
  }

  /** Whether nothing more can come. */
  get over(): boolean {
    return this.#ended || this.gone.aborted;
  }

  /**
   * The next bytes; undefined once the application has ended its side.
   * @throws TunnelError ABORTED when the socket failed or closed before that.
   */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#bytes -= chunk.length;
        this.#resume();
        return chunk;
      }
      if (this.#ended) return undefined;
      if (this.gone.aborted) throw new TunnelError('ABORTED', 'the application closed its connection');
      await this.#change();
    }
  }

  /** Puts bytes back, in front of all others. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#bytes += bytes.length;
    this.#wake();
  }

  /** Takes what is at hand, up to `maxBytes`. */
  take(maxBytes: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let left = maxBytes; left > 0 && this.#chunks.length > 0;) {
      const chunk = this.#chunks[0]!;
      const part = chunk.subarray(0, left);
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(left);
      taken.push(part);
      left -= part.length;
      this.#bytes -= part.length;
    }
    this.#resume();
    return taken;
  }

  /** Resolves once bytes are at hand, none can come any more, or `ms` are over. */
  async waitForBytes(ms: number): Promise<void> {
    if (ms === 0 || this.#bytes > 0 || this.over) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#change(), timeout]);
    clearTimeout(timer);
  }

  /** From now on whatever comes is read and thrown away. */
  discard(): void {
    this.#discard = true;
    this.#chunks = [];
    this.#bytes = 0;
    this.#resume();
  }

  #take(chunk: Buffer): void {
    if (this.#discard) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= PROXY_LIMITS.maxHeldBytes) this.socket.pause();
    this.#wake();
  }

  #resume(): void {
    if (this.#bytes < PROXY_LIMITS.maxHeldBytes && this.socket.isPaused()) this.socket.resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #fail(): void {
    if (this.gone.aborted) return;
    this.#gone.abort();
    this.#wake();
  }
}
