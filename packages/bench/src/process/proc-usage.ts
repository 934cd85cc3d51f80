import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of `/proc`, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * CPU and peak memory of all descendants of a process, ended and waited-for ones included (Linux). Elsewhere both are
 * 0: there, what a peer costs is not known.
 */
export function treeUsage(pid: number): { cpuSeconds: number; peakMemoryMiB: number } {
  const parents = new Map<number, number>();
  for (const name of listProcesses()) {
    const stat = read(`/proc/${name}/stat`);
    // The name in brackets may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    parents.set(Number(name), Number(fields[1]));
  }
  let cpuSeconds = 0;
  let peakMemoryMiB = 0;
  for (const id of parents.keys()) {
    if (!descends(id, pid, parents)) continue;
    const stat = read(`/proc/${id}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    cpuSeconds += [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field] ?? 0), 0) / TICKS_PER_SECOND;
    peakMemoryMiB += Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${id}/status`))?.[1] ?? 0) / 1024;
  }
  return { cpuSeconds, peakMemoryMiB };
}

function descends(id: number, ancestor: number, parents: Map<number, number>): boolean {
  for (let at = parents.get(id); at !== undefined && at > 0; at = parents.get(at)) if (at === ancestor) return true;
  return false;
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** A file of `/proc`, empty when its process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
