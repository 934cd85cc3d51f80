/** Programs of the system, run with nothing of the environment that could lead them elsewhere. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { findProgram } from '@millrace/testkit';
import type { TestContext } from 'vitest';

/** Where a program is; without it the test is skipped with the line that brings it. */
export function program(context: TestContext, name: string): string {
  const { path, missing } = findProgram(name);
  if (path === undefined) context.skip(`${name} is missing: ${missing}`);
  return path!;
}

export interface RunOptions {
  /** What the program reads; nothing by default. */
  stdin?: Readable;
  /** Ends the program with the test. */
  signal: AbortSignal;
}

export interface Finished {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  /** The first 64 KiB of its output. */
  readonly text: string;
  /** All of its output. */
  readonly bytes: number;
  readonly sha256: string;
  /** What it said on standard error. */
  readonly stderr: string;
}

const MAX_TEXT_BYTES = 65_536;

/** Runs a program to its end. */
export async function run(path: string, args: string[], { stdin, signal }: RunOptions): Promise<Finished> {
  const child = spawn(path, args, {
    stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LANG: 'C', HOME: '/nonexistent' },
    signal,
    killSignal: 'SIGKILL',
  });
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const hash = createHash('sha256');
  let bytes = 0;
  let text = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    if (bytes < MAX_TEXT_BYTES) text += chunk.toString('latin1');
    bytes += chunk.length;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  // A program may end before it has read everything; its exit code tells the story.
  if (stdin && child.stdin) pipeline(stdin, child.stdin).catch(() => {});
  const [code] = await Promise.race([closed, failed]);
  return { code: code ?? -1, text, bytes, sha256: hash.digest('hex'), stderr };
}

/** A folder of this test's own, gone after it. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-'));
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
