import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bounded } from './bounded.js';
import { missingFile } from './bundle.js';
import type { Usage } from './usage.js';
import type { Answer, CommonVerbs, Verbs } from './worker.js';

/** A worker process, seen from its parent. */
export interface Child<V> {
  readonly role: string;
  readonly pid: number;
  /** Asks the worker. Rejects when it fails, ends, or takes longer than `timeoutMs` (default 120 s). */
  call<K extends keyof V & string>(
    verb: K,
    argument: V[K] extends (argument: infer A) => unknown ? A : never,
    timeoutMs?: number,
  ): Promise<V[K] extends (argument: never) => infer R ? Awaited<R> : never>;
  usage(): Promise<Usage>;
  /** Lets peaks of `usage` begin anew. */
  forgetPeak(): Promise<void>;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
}

/** How workers are started. */
export interface ChildOptions {
  /** Folder of the bundled workers. */
  folder: string;
  /** Name of the worker: its file without the ending. */
  worker: string;
  /** Name in reports; that of the worker when absent. */
  role?: string;
  /** Where to write a CPU profile when the worker ends; none when absent. */
  profile?: { folder: string; name: string };
  /** Program with arguments that starts another one, as `ip netns exec NAME` does; none when absent. */
  within?: readonly string[];
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 120_000;
/** Error text of a worker that is kept for the message when it dies. */
const MAX_STDERR_CHARACTERS = 8192;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a worker process and waits until it is ready. */
export async function startChild<V extends Verbs>(options: ChildOptions): Promise<Child<V>> {
  const { folder, worker, role = worker, profile, within = [] } = options;
  const missing = missingFile(folder, worker);
  if (existsSync(missing)) throw new Error(`this tree lacks what ${worker} needs: ${readFileSync(missing, 'utf8')}`);
  const flags = ['--enable-source-maps'];
  if (profile) flags.push('--cpu-prof', `--cpu-prof-dir=${profile.folder}`, `--cpu-prof-name=${profile.name}`);
  const [execPath = process.execPath, ...execArgv] = [...within, process.execPath, ...flags];
  const child = fork(join(folder, `${worker}.js`), {
    execPath,
    execArgv,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  running.add(child);
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-MAX_STDERR_CHARACTERS);
  });

  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let stopping = false;
  let gone: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      gone = new Error(`${role} ended (${signal ?? `exit code ${code}`})${stopping ? '' : `\n${stderr}`}`);
      for (const { reject } of pending.values()) reject(gone);
      pending.clear();
      resolve();
    });
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    void ended.then(() => reject(gone ?? new Error(`${role} ended`)));
    child.on('message', (message: 'ready' | Answer) => {
      if (message === 'ready') return resolve();
      const waiting = pending.get(message.id);
      pending.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new Error(`${role}: ${message.error}`));
    });
  });
  ready.catch(() => undefined);

  const stop = async (): Promise<void> => {
    stopping = true;
    if (child.connected) child.send('stop');
    try {
      await bounded(ended, STOP_TIMEOUT_MS, `the end of ${role}`);
    } catch {
      child.kill('SIGKILL');
      await ended;
    }
  };
  try {
    await bounded(ready, START_TIMEOUT_MS, `the start of ${role}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }

  let last = 0;
  const ask = async (verb: string, argument: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<unknown> => {
    if (gone) throw gone;
    const id = ++last;
    const answer = new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
    child.send({ id, verb, argument });
    try {
      return await bounded(answer, timeoutMs, `"${verb}" of ${role}`);
    } finally {
      pending.delete(id);
    }
  };
  return {
    role,
    pid: child.pid ?? 0,
    call: ask as Child<V>['call'],
    usage: () => (ask as Child<CommonVerbs>['call'])('usage', null),
    forgetPeak: () => (ask as Child<CommonVerbs>['call'])('forgetPeak', null),
    stop,
  };
}
