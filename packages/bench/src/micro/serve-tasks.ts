import { Bench } from 'tinybench';
import { serve } from '../process/worker.js';

/** One function on fixed inputs, with the payload bytes that it handles each time; 0 where there are none to speak of. */
export interface MicroTask {
  bytes: number;
  /** Packets that it handles each time, hundreds of them, so that reading the CPU costs nothing; absent where it is not about packets. */
  packets?: number;
  /** Puts the inputs in order before each time, unmeasured. */
  prepare?(this: void): void;
  run(this: void): unknown;
}

/** What a task reached. */
export interface MicroFigures {
  operationsPerSecond: number;
  MBps?: number;
  cpuNsPerPacket?: number;
  latencyMsP50: number;
  latencyMsP99: number;
}

/** What workers of `micro` can be asked. */
export type MicroVerbs = {
  /** The names of its tasks: some there are only with the native addon. */
  tasks: (nothing: null) => string[];
  run: (options: { task: string; timeMs: number }) => Promise<MicroFigures>;
};

/** However long a task takes, it is run so often. */
const LEAST_RUNS = 10;

/** Answers the parent's questions about these tasks. */
export function serveTasks(tasks: Readonly<Record<string, MicroTask>>): void {
  const verbs: MicroVerbs = {
    tasks: () => Object.keys(tasks),
    run: async ({ task, timeMs }) => {
      const found = tasks[task];
      if (!found) throw new Error(`no task ${task}`);
      const bench = new Bench({ time: timeMs, warmupTime: timeMs / 4, iterations: LEAST_RUNS, warmupIterations: 2 });
      let start = process.cpuUsage();
      let [cpuUs, runs] = [0, 0];
      bench.add(task, found.run, {
        beforeEach: () => {
          found.prepare?.();
          start = process.cpuUsage();
        },
        afterEach: (mode) => {
          const { user, system } = process.cpuUsage(start);
          if (mode === 'warmup') return;
          cpuUs += user + system;
          runs++;
        },
      });
      const [done] = await bench.run();
      const { result } = done ?? {};
      if (!result || !('latency' in result)) throw new Error(`${task} did not run: ${reasonOf(result)}`);
      const { latency } = result;
      const operationsPerSecond = 1e3 / latency.mean;
      return {
        operationsPerSecond,
        ...(found.bytes > 0 && { MBps: (operationsPerSecond * found.bytes) / 1e6 }),
        ...(found.packets !== undefined && { cpuNsPerPacket: (cpuUs * 1e3) / runs / found.packets }),
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
