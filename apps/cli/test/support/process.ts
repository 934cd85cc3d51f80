import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MillraceEvent } from '@millrace/protocol';
import { onTestFinished } from 'vitest';
import { parseEvents } from './test-io.js';

const BIN = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));

/** A `millrace` of its own process, from the built files. */
export interface MillraceProcess {
  readonly pid: number;
  /** The first event of that name, past or future; rejects when the process ends without it. */
  event<Name extends MillraceEvent['event']>(name: Name): Promise<Extract<MillraceEvent, { event: Name }>>;
  events(): MillraceEvent[];
  out(): string;
  err(): string;
  kill(signal: NodeJS.Signals): void;
  /** Closes this end of its standard output, as `head -1` does. */
  stopReading(): void;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `millrace` with these arguments; it is killed when the test is over. */
export function millrace(
  args: readonly string[],
  { env = {}, stdin = '' }: { env?: Record<string, string>; stdin?: string } = {},
): MillraceProcess {
  if (!existsSync(BIN))
    throw new Error('the command is not built, and this test runs what is published: npm run build');
  const child = spawn(process.execPath, [BIN, ...args], { env: { PATH: process.env['PATH'], ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {}).end(stdin);
  const text = { out: '', err: '' };
  const changed = new Set<() => void>();
  const take = (name: 'out' | 'err') => (chunk: string) => {
    text[name] += chunk;
    changed.forEach((check) => check());
  };
  child.stdout.setEncoding('utf8').on('data', take('out'));
  child.stderr.setEncoding('utf8').on('data', take('err'));
  // `close` comes after the last output.
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const events = (): MillraceEvent[] => parseEvents(text.out);
  return {
    pid: child.pid ?? -1,
    events,
    event: (name) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = events().find(
            (event): event is Extract<MillraceEvent, { event: typeof name }> => event.event === name,
          );
          if (found) resolve(found);
        };
        changed.add(check);
        void ended.then(({ code }) =>
          reject(new Error(`ended with ${code} before ${name}:\n${text.out}\n${text.err}`)),
        );
        check();
      }),
    out: () => text.out,
    err: () => text.err,
    kill: (signal) => void child.kill(signal),
    stopReading: () => void child.stdout.destroy(),
    ended,
  };
}
