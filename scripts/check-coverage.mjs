// Compares the coverage of each package with its floor in coverage-floors.json; fails below a floor.
//
//   node scripts/check-coverage.mjs          after a run with MILLRACE_COVERAGE=1
//   node scripts/check-coverage.mjs --raise  writes floors up to what was reached (never down)
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './run.mjs';

const kinds = ['lines', 'branches', 'functions'];
const floorsPath = `${root}coverage-floors.json`;
const floors = JSON.parse(readFileSync(floorsPath, 'utf8'));
const summary = JSON.parse(readFileSync(`${root}coverage/coverage-summary.json`, 'utf8'));

const totals = {};
for (const [path, file] of Object.entries(summary)) {
  if (path === 'total') continue;
  const name = relative(root, path).split('/').slice(0, 2).join('/');
  for (const kind of kinds) {
    const sum = ((totals[name] ??= {})[kind] ??= { total: 0, covered: 0 });
    sum.total += file[kind].total;
    sum.covered += file[kind].covered;
  }
}

let failed = false;
for (const name of new Set([...Object.keys(floors), ...Object.keys(totals)])) {
  const cells = kinds.map((kind) => {
    const { total = 0, covered = 0 } = totals[name]?.[kind] ?? {};
    const percent = total === 0 ? 100 : (100 * covered) / total;
    const floor = floors[name]?.[kind] ?? 0;
    const below = !(name in totals) || percent < floor;
    failed ||= below || !(name in floors);
    // Two points of air: coverage of a timing-dependent branch may differ from run to run.
    if (process.argv.includes('--raise')) (floors[name] ??= {})[kind] = Math.max(floor, Math.floor(percent) - 2);
    return `${kind} ${percent.toFixed(1)} % (floor ${floor})${below ? ' BELOW' : ''}`;
  });
  process.stdout.write(`${name.padEnd(22)} ${cells.join('  ')}\n`);
}
if (process.argv.includes('--raise')) {
  writeFileSync(floorsPath, `${JSON.stringify(floors, null, 2)}\n`);
} else if (failed) {
  process.stderr.write('coverage is below a floor of coverage-floors.json, or a package has none\n');
  process.exit(1);
}
