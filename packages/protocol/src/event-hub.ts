import type { MillraceEvent } from './spec/events.js';

/** Hands events to whoever listens, at once and in order. */
export class EventHub<E extends { event: string } = MillraceEvent> {
  readonly #listeners = new Set<(event: E) => void>();

  /** Calls every listener. One that throws disturbs neither the others nor the caller. */
  emit(event: E): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // What a listener does with an event is not the business of what the event is about.
      }
    }
  }

  /** Adds a listener; the returned function takes it away again. The same function may listen more than once. */
  subscribe(listener: (event: E) => void): () => void {
    const entry = (event: E): void => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }
}
