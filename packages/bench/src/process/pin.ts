import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Keeps this process, all its threads, on one core, counted from 0; false where that cannot be done. */
export function pinTo(core: number): boolean {
  if (core >= availableParallelism()) return false;
  try {
    execFileSync('taskset', ['-a', '-c', '-p', String(core), String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
