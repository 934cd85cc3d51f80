import type { Channel } from './channel.js';

/**
 * Channels that were ended and whose sockets are not gone yet: those closed in order still flush, or wait for the target's
 * end. They are nobody's any more, so they are counted here: beyond the bound the oldest is cut.
 */
export class Lingering {
  readonly #maxChannels: number;
  readonly #closing = new Set<Channel>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(maxChannels: number) {
    this.#maxChannels = maxChannels;
  }

  /** Channels that close in order now. */
  get size(): number {
    return this.#closing.size;
  }

  /** Closes a channel in order. */
  close(channel: Channel): void {
    this.#closing.add(channel);
    this.#wait(channel, channel.close());
    if (this.#closing.size <= this.#maxChannels) return;
    const [oldest] = this.#closing;
    if (oldest !== undefined) this.cut(oldest);
  }

  /** Cuts a channel. */
  cut(channel: Channel): void {
    this.#closing.delete(channel);
    this.#wait(channel, channel.cut());
  }

  /** Cuts all of them and resolves when no socket is left. */
  async cutAll(): Promise<void> {
    for (const channel of this.#closing) this.cut(channel);
    await Promise.all(this.#leaving);
  }

  #wait(channel: Channel, gone: Promise<void>): void {
    const leaving = gone.then(() => {
      this.#closing.delete(channel);
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
  }
}
