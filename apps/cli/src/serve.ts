import { EXIT } from './exit-codes.js';
import type { Io, StopSignal } from './io.js';

/** Something that runs until it is told to stop. */
export interface Running {
  /** Ends it cleanly; resolves when nothing is left. */
  stop(): Promise<void>;
}

/**
 * The same signal again within this time is an echo: npm passes on a Ctrl-C that the terminal has sent to everybody
 * already. Nobody has read what the first one printed by then.
 */
const ECHO_MS = 200;

/**
 * Starts something and runs it until a signal. The first one stops it cleanly, the second at once.
 * @param now the time in ms, for tests
 * @returns the exit code
 */
export async function serve(
  io: Pick<Io, 'onSignal'>,
  start: () => Promise<Running>,
  now: () => number = () => performance.now(),
): Promise<number> {
  const first = deferred<StopSignal>();
  const second = deferred<StopSignal>();
  let earlier: { signal: StopSignal; at: number } | undefined;
  const unsubscribe = io.onSignal((signal) => {
    if (earlier?.signal === signal && now() - earlier.at < ECHO_MS) return;
    (earlier ? second : first).resolve(signal);
    earlier ??= { signal, at: now() };
  });
  const work = async (): Promise<number> => {
    const running = await start();
    await first.promise;
    await running.stop();
    return EXIT.ok.code;
  };
  const atOnce = async (): Promise<number> =>
    (await second.promise) === 'SIGINT' ? EXIT.interrupted.code : EXIT.terminated.code;
  try {
    return await Promise.race([work(), atOnce()]);
  } finally {
    unsubscribe();
  }
}

/** Things to close, last opened first, also when opening the next one failed. */
export class Closers {
  readonly #closers: Array<() => Promise<void>> = [];

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Closes all; an error of one does not keep the others open and is thrown at the end. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      await close().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: ((value: T) => void) | undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve: (value) => resolve?.(value) };
}
