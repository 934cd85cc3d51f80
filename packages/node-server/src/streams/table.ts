import type { ErrorCode, EventHub, MillraceEvent } from '@millrace/protocol';
import type { Clock } from '../clock.js';
import { codeOf, NodeError } from '../errors.js';
import type { Channel } from './channel.js';
import { Lingering } from './lingering.js';

/** What a {@link StreamTable} needs. */
export interface StreamTableOptions {
  /** Streams and flows at once, those being opened included. */
  maxStreams: number;
  /** Streams that nobody used for this long are reaped. */
  streamIdleMs: number;
  /** Flows without a datagram for this long are reaped. */
  flowIdleMs: number;
  maxLingering: number;
  clock: Clock;
  events: EventHub<MillraceEvent>;
}

/** A stream or flow in the table. */
export interface Entry<C extends Channel = Channel> {
  /** By what the level of the wire that opened it finds it again. */
  readonly key: string;
  /** Its number in events. */
  readonly id: number;
  readonly channel: C;
  readonly openedAt: number;
  /** Ops that use it now. While there are any, a stream is not idle. */
  uses: number;
}

/** Reaping looks at the table no more often than this. */
const MIN_SWEEP_MS = 1_000;

/** All streams and flows of a node, whatever level opened them: counts them, tells of them, and ends those nobody uses. */
export class StreamTable {
  readonly #options: StreamTableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #lingering: Lingering;
  readonly #emptied = new Set<() => void>();
  #opening = 0;
  #streams = 0;
  #lastId = 0;
  #refusing = false;
  #sweep: { at: number; cancel: () => void } | undefined;

  constructor(options: StreamTableOptions) {
    this.#options = options;
    this.#lingering = new Lingering(options.maxLingering);
  }

  /** Streams open. */
  get streams(): number {
    return this.#streams;
  }

  /** Flows open. */
  get flows(): number {
    return this.#entries.size - this.#streams;
  }

  /** Opens under way. */
  get opening(): number {
    return this.#opening;
  }

  /** Closed streams that still flush. */
  get lingering(): number {
    return this.#lingering.size;
  }

  /** From now on opens are answered as busy. */
  refuseOpens(): void {
    this.#refusing = true;
  }

  /**
   * Makes room, lets `make` open a channel, and keeps it under `key`.
   * @throws NodeError `NODE_BUSY` without calling `make`; else what `make` throws.
   */
  async open<C extends Channel>(
    key: string,
    kind: C['kind'],
    target: string | undefined,
    make: () => Promise<C>,
  ): Promise<Entry<C>> {
    const { clock, events, maxStreams } = this.#options;
    const id = ++this.#lastId;
    const started = clock.now();
    events.emit(target === undefined ? { event: 'open', id, kind } : { event: 'open', id, kind, target });
    try {
      if (this.#refusing) throw new NodeError('NODE_BUSY', 'the node is shutting down');
      if (this.#entries.size + this.#opening >= maxStreams) {
        throw new NodeError('NODE_BUSY', `the node holds ${maxStreams} streams, as many as it may`);
      }
      const channel = await this.#counted(make);
      if (this.#refusing) {
        this.#lingering.cut(channel);
        throw new NodeError('NODE_BUSY', 'the node is shutting down');
      }
      const entry: Entry<C> = { key, id, channel, openedAt: started, uses: 0 };
      this.#entries.set(key, entry);
      if (kind === 'stream') this.#streams++;
      this.#planSweep(clock.now() + this.#idleMs(channel));
      events.emit({ event: 'opened', id, kind, ms: clock.now() - started });
      return entry;
    } catch (error) {
      events.emit({ event: 'open-failed', id, kind, code: codeOf(error), ms: clock.now() - started });
      throw error;
    }
  }

  /** The stream or flow of that key. */
  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Counts a use of a stream; call the returned function when it is over. */
  use(entry: Entry): () => void {
    const { clock } = this.#options;
    entry.uses++;
    return () => {
      entry.uses--;
      if (entry.channel.kind === 'stream') entry.channel.usedAt = clock.now();
    };
  }

  /** Takes it out of the table and closes it in order. */
  close(entry: Entry): void {
    if (this.#remove(entry, entry.channel.failure?.code)) this.#lingering.close(entry.channel);
  }

  /** Takes it out of the table and cuts it. `code` says why, unless it had failed before. */
  cut(entry: Entry, code: ErrorCode): void {
    if (this.#remove(entry, entry.channel.failure?.code ?? code)) this.#lingering.cut(entry.channel);
  }

  /** Resolves once nothing is open or being opened. */
  async empty(): Promise<void> {
    while (this.#entries.size + this.#opening > 0) await new Promise<void>((resolve) => this.#emptied.add(resolve));
  }

  /** Cuts everything, and whatever is still being opened once it is. Resolves when no socket is left. */
  async end(): Promise<void> {
    this.refuseOpens();
    for (const entry of this.#entries.values()) this.cut(entry, 'STREAM_CLOSED');
    this.#sweep?.cancel();
    await this.empty();
    await this.#lingering.cutAll();
  }

  async #counted<C>(make: () => Promise<C>): Promise<C> {
    this.#opening++;
    try {
      return await make();
    } finally {
      this.#opening--;
      this.#tellEmpty();
    }
  }

  #remove(entry: Entry, code: string | undefined): boolean {
    if (this.#entries.get(entry.key) !== entry) return false;
    this.#entries.delete(entry.key);
    const { kind, bytesUp, bytesDown } = entry.channel;
    if (kind === 'stream') this.#streams--;
    const ms = this.#options.clock.now() - entry.openedAt;
    const closed = { event: 'closed', id: entry.id, kind, bytesUp, bytesDown, ms } as const;
    this.#options.events.emit(code === undefined ? closed : { ...closed, code });
    this.#tellEmpty();
    return true;
  }

  #tellEmpty(): void {
    if (this.#entries.size + this.#opening > 0) return;
    for (const tell of this.#emptied) tell();
    this.#emptied.clear();
  }

  #idleMs(channel: Channel): number {
    return channel.kind === 'stream' ? this.#options.streamIdleMs : this.#options.flowIdleMs;
  }

  #planSweep(at: number): void {
    if (this.#sweep !== undefined && this.#sweep.at <= at) return;
    this.#sweep?.cancel();
    const { clock } = this.#options;
    this.#sweep = { at, cancel: clock.after(Math.max(at - clock.now(), MIN_SWEEP_MS), () => this.#reap()) };
  }

  /** Ends what was idle for too long, and comes back when the next may be. */
  #reap(): void {
    this.#sweep = undefined;
    const now = this.#options.clock.now();
    let next = Infinity;
    for (const entry of this.#entries.values()) {
      const { channel } = entry;
      const inUse = channel.kind === 'stream' && entry.uses > 0;
      const due = (inUse ? now : channel.usedAt) + this.#idleMs(channel);
      if (due <= now) this.cut(entry, 'STREAM_CLOSED');
      else next = Math.min(next, due);
    }
    if (next < Infinity) this.#planSweep(next);
  }
}
