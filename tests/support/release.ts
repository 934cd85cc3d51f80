/** A past release, as it was packed: extracted into a folder of its own, with today's dependencies that are not ours. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as client from '@millrace/client';
import type * as nodeServer from '@millrace/node-server';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGES = ['client', 'node-server', 'protocol', 'relay'];

/** What tests use of a release. */
export interface Release {
  readonly openTunnel: typeof client.openTunnel;
  readonly startNode: typeof nodeServer.startNode;
  /** Removes the folder. */
  remove(): void;
}

/** Extracts the packages in `compat/VERSION`. */
export async function loadRelease(version: string): Promise<Release> {
  const folder = mkdtempSync(join(tmpdir(), `millrace-${version}-`));
  const modules = join(folder, 'node_modules');
  for (const name of PACKAGES) {
    const target = join(modules, '@millrace', name);
    mkdirSync(target, { recursive: true });
    const packed = join(ROOT, 'compat', version, `millrace-${name}-${version}.tgz`);
    execFileSync('tar', ['xzf', packed, '-C', target, '--strip-components=1']);
    for (const other of dependencies(target)) {
      const link = join(modules, other);
      if (!existsSync(link)) symlinkSync(join(ROOT, 'node_modules', other), link, 'dir');
    }
  }
  const load = (name: string): Promise<unknown> =>
    import(/* @vite-ignore */ pathToFileURL(join(modules, '@millrace', name, 'dist', 'index.js')).href);
  const { openTunnel } = (await load('client')) as typeof client;
  const { startNode } = (await load('node-server')) as typeof nodeServer;
  return { openTunnel, startNode, remove: () => rmSync(folder, { recursive: true }) };
}

/** What a package depends on that is not of the release. */
function dependencies(folder: string): string[] {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const names = Object.keys((JSON.parse(text) as { dependencies?: Record<string, string> }).dependencies ?? {});
  return names.filter((name) => !name.startsWith('@millrace/'));
}
