/**
 * Keeps what a tunnel should know after a restart. It is loaded once, at the start; whatever happens until then is added to it.
 * It is saved some seconds after a change, however many follow, and at the end. What is written whole, and where, is the store's.
 */
import type { EventHub, MillraceEvent } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';
import { choreTimer } from '../tunnel/clock.js';
import type { StateStore } from '../tunnel/types.js';
import { formatState, MAX_ENTRIES, parseState, type KeptState } from './kept-state.js';

/** A part of the tunnel that has something to keep. */
export interface StateSection<K extends keyof KeptState = keyof KeptState> {
  readonly name: K;
  /** Called at most once, with what was kept. */
  restore(kept: KeptState[K]): void;
  /** What is to be kept now. Entries of others that were loaded stay. */
  collect(): KeptState[K];
}

/** Runs something later, unless the function that is returned is called before. */
export type Later = (run: () => void, ms: number) => () => void;

export interface StateKeeperOptions {
  readonly store: StateStore;
  readonly events: EventHub<MillraceEvent>;
  /** Called once, when what was kept is handed on, or is known not to be there. */
  readonly onLoaded?: () => void;
  /** Default: timers that do not keep a process alive. */
  readonly later?: Later;
}

export class StateKeeper {
  readonly #store: StateStore;
  readonly #events: EventHub<MillraceEvent>;
  readonly #onLoaded: () => void;
  readonly #later: Later;
  readonly #sections: StateSection[] = [];
  #loaded: KeptState = { accounts: new Map(), relays: new Map() };
  #started: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #dirty = false;
  #failing = false;
  #cancel: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor({ store, events, onLoaded = () => {}, later = chore }: StateKeeperOptions) {
    this.#store = store;
    this.#events = events;
    this.#onLoaded = onLoaded;
    this.#later = later;
  }

  /** Adds a part. Before `start`. */
  add<K extends keyof KeptState>(section: StateSection<K>): void {
    this.#sections.push(section);
  }

  /** Loads, and hands the parts what was kept. Never rejects. */
  start(): Promise<void> {
    this.#started ??= this.#load().finally(this.#onLoaded);
    return this.#started;
  }

  /** Something that is kept is another than before. */
  changed(): void {
    this.#dirty = true;
    if (this.#cancel !== undefined || this.#closing !== undefined) return;
    this.#cancel = this.#later(() => {
      this.#cancel = undefined;
      void this.#save();
    }, CLIENT_LIMITS.stateSaveMs);
  }

  /** Saves what is not saved yet, for a short time. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancel?.();
    let giveUp = (): void => {};
    const over = new Promise<void>((resolve) => {
      giveUp = this.#later(resolve, CLIENT_LIMITS.closeWaitMs);
    });
    await Promise.race([this.#save(), over]);
    giveUp();
  }

  async #load(): Promise<void> {
    let text: string | undefined;
    try {
      text = await this.#store.load();
      if (text === undefined) return;
      this.#loaded = parseState(text);
    } catch (error) {
      this.#tell('load', error, text === undefined ? undefined : await this.#setAside());
      return;
    }
    for (const section of this.#sections) section.restore(this.#loaded[section.name]);
  }

  /** Saves once what runs before is over, if there is anything to save then. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      // Before it was loaded, it would be overwritten.
      await this.start();
      if (!this.#dirty) return;
      this.#dirty = false;
      try {
        await this.#store.save(formatState(this.#collect()));
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) this.#tell('save', error);
        this.#failing = true;
        if (this.#closing === undefined) this.changed();
      }
    });
    return this.#saving;
  }

  #collect(): KeptState {
    const state = { accounts: new Map(this.#loaded.accounts), relays: new Map(this.#loaded.relays) };
    for (const section of this.#sections) {
      const entries: Map<string, unknown> = state[section.name];
      for (const [name, kept] of section.collect()) {
        // What is in use stays, should there ever be too many.
        entries.delete(name);
        entries.set(name, kept);
      }
      for (const name of entries.keys()) {
        if (entries.size <= MAX_ENTRIES) break;
        entries.delete(name);
      }
    }
    return state;
  }

  /** Where the text is that cannot be read, and that the next save would replace. */
  async #setAside(): Promise<string | undefined> {
    try {
      return await this.#store.setAside?.();
    } catch (error) {
      return textOf(error);
    }
  }

  #tell(phase: 'load' | 'save', error: unknown, more?: string): void {
    const message = more === undefined ? textOf(error) : `${textOf(error)}; ${more}`;
    this.#events.emit({ event: 'state-failed', phase, message });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function chore(run: () => void, ms: number): () => void {
  const timer = choreTimer(run, ms);
  return () => clearTimeout(timer);
}
