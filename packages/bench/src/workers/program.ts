/** Process: runs other programs, such as peers, so that they end when the benchmark does, however that ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../process/clock.js';
import { serve } from '../process/worker.js';
import { treeUsage } from '../process/proc-usage.js';

/** How long a program may take until it listens. */
const START_TIMEOUT_MS = 15_000;
/** Text of failing programs that is kept for the message. */
const MAX_SAID_CHARACTERS = 500;

let started = 0;
let said = '';
const programs = new Set<ChildProcess>();
process.once('exit', () => {
  for (const program of programs) program.kill('SIGKILL');
});

const verbs = {
  /** Starts a program; gives its process id. */
  start: async ({
    path,
    args,
    env,
  }: {
    path: string;
    args: string[];
    env?: Record<string, string>;
  }): Promise<number> => {
    const program = spawn(path, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    program.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-MAX_SAID_CHARACTERS);
    });
    await once(program, 'spawn');
    programs.add(program);
    started++;
    program.once('exit', () => programs.delete(program));
    return program.pid ?? 0;
  },
  /** Resolves once something listens there; rejects when a program has ended instead, or after a time. */
  listening: async ({ host, port }: { host: string; port: number }): Promise<void> => {
    const giveUpAt = nowMs() + START_TIMEOUT_MS;
    for (;;) {
      const socket = connect({ host, port });
      try {
        await once(socket, 'connect');
        return;
      } catch (error) {
        if (started > programs.size) throw new Error(`a program ended: ${said.trim()}`, { cause: error });
        if (nowMs() > giveUpAt) throw error;
        await delay(20);
      } finally {
        socket.destroy();
      }
    }
  },
  /** CPU and peak memory of all programs with their children. */
  programUsage: (): { cpuSeconds: number; peakMemoryMiB: number } => treeUsage(process.pid),
};
export type ProgramVerbs = typeof verbs;

serve(verbs);
