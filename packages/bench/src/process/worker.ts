import { watchUsage, type Usage } from './usage.js';

/** What a worker can be asked. Each verb takes one value and gives one back, both structured-cloneable. */
export type Verbs = { readonly [name: string]: (argument: never) => unknown };

/** Verbs that every worker has. */
export type CommonVerbs = { usage: (nothing: null) => Usage; forgetPeak: (nothing: null) => void };

interface Question {
  id: number;
  verb: string;
  argument: unknown;
}

export interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

/**
 * Answers the parent's questions, from a process of its own. Ends with the parent: a benchmark that is killed leaves
 * nothing running. Ends by `process.exit`, so that a CPU profile is written.
 */
export function serve(verbs: Verbs): void {
  const all = { ...verbs, ...watchUsage() } as unknown as Record<string, (argument: unknown) => unknown>;
  const run = async ({ id, verb, argument }: Question): Promise<void> => {
    try {
      const handler = all[verb];
      if (!handler) throw new Error(`no verb ${verb}`);
      answer({ id, value: await handler(argument) });
    } catch (error) {
      const { code } = error as { code?: string };
      answer({ id, error: `${code ? `${code}: ` : ''}${error instanceof Error ? error.message : String(error)}` });
    }
  };
  process.on('message', (message) => {
    if (message === 'stop') process.exit(0);
    void run(message as Question);
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.('ready');
}

function answer(message: Answer): void {
  if (process.connected) process.send?.(message);
}
