import { Bench } from 'tinybench';
import { serve } from '../process/worker.js';

/** One function on fixed inputs, with the payload bytes that it handles each time; 0 where there are none to speak of. */
export interface MicroTask {
  bytes: number;
  run(this: void): unknown;
}

/** What a task reached. */
export interface MicroFigures {
  operationsPerSecond: number;
  MBps?: number;
  latencyMsP50: number;
  latencyMsP99: number;
}

/** What workers of `micro` can be asked. */
export type MicroVerbs = {
  run: (options: { task: string; timeMs: number }) => Promise<MicroFigures>;
};

/** Answers the parent's questions about these tasks. */
export function serveTasks(tasks: Readonly<Record<string, MicroTask>>): void {
  const verbs: MicroVerbs = {
    run: async ({ task, timeMs }) => {
      const found = tasks[task];
      if (!found) throw new Error(`no task ${task}`);
      const bench = new Bench({ time: timeMs, warmupTime: timeMs / 4 });
      bench.add(task, found.run);
      const [done] = await bench.run();
      const { result } = done ?? {};
      if (!result || !('latency' in result)) throw new Error(`${task} did not run: ${reasonOf(result)}`);
      const { latency } = result;
      const operationsPerSecond = 1e3 / latency.mean;
      return {
        operationsPerSecond,
        ...(found.bytes > 0 && { MBps: (operationsPerSecond * found.bytes) / 1e6 }),
        latencyMsP50: latency.p50 ?? latency.mean,
        latencyMsP99: latency.p99,
      };
    },
  };
  serve(verbs);
}

function reasonOf(result: unknown): string {
  const { error } = (result ?? {}) as { error?: Error };
  return error?.message ?? 'no reason was given';
}
