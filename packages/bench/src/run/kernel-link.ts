import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Sides } from '../bed/types.js';
import type { Link } from '../check/shaped-direction.js';
import { repositoryFolder } from '../process/bundle.js';
import { keepUntilExit, removeMade } from '../process/made-folders.js';

/** A link of the kernel's between two network namespaces. */
export interface KernelLink extends Sides {
  close(): Promise<void>;
}

/** Addresses that the tool gives to its two ends. */
const FAR_HOST = '10.98.0.2';
/** Queue of the link, unless its bandwidth-delay product is more. */
const LEAST_QUEUE_KIB = 256;

/** The program that makes the link: `MILLRACE_LINKEM`, or the one that lies beside the repository. */
const linkTool = (): string => process.env['MILLRACE_LINKEM'] ?? join(repositoryFolder, '../shared/tools/linkem/link');

/** Why there can be no kernel link here; undefined where there can. */
export function kernelLinkMissing(tool = linkTool()): string | undefined {
  if (!existsSync(tool)) return 'the program that makes the link is not there (MILLRACE_LINKEM names it)';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  return undefined;
}

/** Arguments of the tool: half of the round trip each way, and a queue of at least one bandwidth-delay product. */
export function linkArguments({ rttMs, rateMbps, lossPercent }: Link): string[] {
  const queueKiB = Math.max(LEAST_QUEUE_KIB, Math.ceil((rateMbps * 125 * rttMs) / 1024));
  return [rttMs / 2, 0, lossPercent, rateMbps, queueKiB].map(String);
}

/** Makes the link. Rejects with what the tool said. */
export async function openKernelLink(link: Link, tool = linkTool()): Promise<KernelLink> {
  const state = keepUntilExit(await mkdtemp(join(tmpdir(), 'millrace-link-')));
  const env = { ...process.env, LINK_STATE: state };
  // The tool leaves a process behind it, which must not keep a pipe of ours.
  const run = (args: string[]) => promisify(execFile)(tool, args, { env });
  const downNow = (): void => {
    execFileSync(tool, ['down'], { env, stdio: 'ignore' });
  };
  process.once('exit', downNow);
  const close = async (): Promise<void> => {
    process.off('exit', downNow);
    await run(['down']);
    await removeMade(state);
  };
  try {
    await run(['up', ...linkArguments(link)]);
  } catch (error) {
    await close().catch(() => undefined);
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`the kernel link did not come up: ${stderr?.trim() || message}`, { cause: error });
  }
  return { within: { near: [tool, 'a'], far: [tool, 'b'] }, farHost: FAR_HOST, close };
}
