import type { EventHub, MillraceEvent } from '@millrace/protocol';
import type { Io } from '../io.js';
import { renderEvent } from './render-event.js';

/** Where a command says what happens: for a person, or with `--json` one event a line. */
export interface Output {
  readonly json: boolean;
  /** Prints an event; as text only where a person wants to know. */
  event(event: MillraceEvent): void;
  /** Prints text for a person; nothing with `--json`. */
  say(text: string): void;
  /**
   * Prints the events of a library from now on, but none before `ready` was printed, since that is the first line.
   * @returns a function that ends it
   */
  follow(hub: EventHub): () => void;
}

/** Events kept until `ready`. A start that makes more of them than this has trouble that repeats. */
const MAX_HELD_EVENTS = 256;

export function createOutput(io: Pick<Io, 'stdout'>, json: boolean): Output {
  let ready = false;
  let held: MillraceEvent[] = [];

  const print = (event: MillraceEvent): void => {
    const text = json ? JSON.stringify(event) : renderEvent(event);
    if (text !== undefined) io.stdout.write(`${text}\n`);
  };

  return {
    json,
    event(event) {
      print(event);
      if (event.event !== 'ready') return;
      ready = true;
      for (const earlier of held) print(earlier);
      held = [];
    },
    say(text) {
      if (!json) io.stdout.write(`${text}\n`);
    },
    follow(hub) {
      return hub.subscribe((event) => {
        if (ready) print(event);
        else if (held.length < MAX_HELD_EVENTS) held.push(event);
      });
    },
  };
}
