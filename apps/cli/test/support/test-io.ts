import type { MillraceEvent } from '@millrace/protocol';
import type { Io, StopSignal, TextOutput } from '../../src/io.js';

type Named<Name> = Extract<MillraceEvent, { event: Name }>;

/** A process made of variables: what was written, and a way to send signals. */
export interface TestIo {
  readonly io: Io;
  readonly out: () => string;
  readonly err: () => string;
  /** The events among the lines of standard output. */
  readonly events: () => MillraceEvent[];
  /** Resolves with the first event of that name, past or future. */
  readonly event: <Name extends MillraceEvent['event']>(name: Name) => Promise<Named<Name>>;
  /** Resolves once standard output contains the text. */
  readonly printed: (text: string) => Promise<void>;
  readonly signal: (signal: StopSignal) => void;
  /** How many listen for signals: none once a command has ended. */
  readonly signalListeners: () => number;
}

export function testIo(options: { env?: Record<string, string>; stdin?: string; columns?: number } = {}): TestIo {
  const written = { out: '', err: '' };
  const listeners = new Set<(signal: StopSignal) => void>();
  const waiting = new Set<() => void>();
  const output = (name: 'out' | 'err'): TextOutput => ({
    write(text) {
      written[name] += text;
      for (const check of waiting) check();
    },
    ...(options.columns === undefined ? {} : { columns: options.columns }),
  });
  const io: Io = {
    stdout: output('out'),
    stderr: output('err'),
    env: options.env ?? {},
    readStdin: async () => options.stdin ?? '',
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const events = (): MillraceEvent[] => parseEvents(written.out);
  const until = async <T>(find: () => T | undefined): Promise<T> =>
    await new Promise((resolve) => {
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  return {
    io,
    out: () => written.out,
    err: () => written.err,
    events,
    event: (name) => until(() => events().find((event): event is Named<typeof name> => event.event === name)),
    printed: async (text) => void (await until(() => written.out.includes(text) || undefined)),
    signal: (signal) => listeners.forEach((listener) => listener(signal)),
    signalListeners: () => listeners.size,
  };
}

/** The events of a text of JSON lines. Other lines, and one that is not finished, are left out. */
export function parseEvents(text: string): MillraceEvent[] {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as MillraceEvent);
}
