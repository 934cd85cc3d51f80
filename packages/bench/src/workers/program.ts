/** Process: runs other programs, such as peers, so that they end when the benchmark does, however that ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { serve } from '../process/worker.js';
import { treeUsage } from '../process/proc-usage.js';

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
  /** Programs that have ended, and the last that any of them said on standard error. */
  ended: (): { count: number; said: string } => ({ count: started - programs.size, said }),
  /** CPU and peak memory of all programs with their children. */
  programUsage: (): { cpuSeconds: number; peakMemoryMiB: number } => treeUsage(process.pid),
};
export type ProgramVerbs = typeof verbs;

serve(verbs);
