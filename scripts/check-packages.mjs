// Packs every published package and looks at the tarballs with publint and attw (are the types wrong?).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll, run } from './run.mjs';

const folder = mkdtempSync(join(tmpdir(), 'millrace-pack-'));
let failed = false;
for (const { name, tarball, library } of packAll(folder)) {
  process.stdout.write(`\n${name}\n`);
  if (!run('npx', ['publint', 'run', '--strict', tarball])) failed = true;
  // A command has no importable entry for attw to look at.
  if (library && !run('npx', ['attw', tarball, '--profile', 'esm-only', '--format', 'ascii'])) failed = true;
}
rmSync(folder, { recursive: true });
process.exit(failed ? 1 : 0);
