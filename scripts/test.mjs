// npm test: builds, type-checks and runs every test, and closes with a line `N passed, N failed`.
//
//   npm test                     everything
//   npm test -- packages/client  only tests whose path has these words (vitest's filters and flags)
//
// MILLRACE_COVERAGE=1 measures coverage too; MILLRACE_NO_SKIPS=1 makes a skipped test a failure (CI sets both).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';

const env = { ...process.env, DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1' };
const close = (passed, failed, skipped) => {
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  process.exit(failed > 0 ? 1 : 0);
};

const steps = [
  ['build', 'npx', ['turbo', 'run', 'build', '--output-logs=errors-only']],
  ['type check of the tests', 'npx', ['tsc', '-p', 'tsconfig.tests.json']],
];
for (const [name, program, args] of steps) {
  if (!run(program, args, { env })) {
    process.stderr.write(`${name} failed: no test was run\n`);
    close(0, 1, 0);
  }
}

// Everything works without the addon; only its own tests need it, and skip without, with the reason.
if (
  !run('npm', ['run', '--silent', 'build:native', '-w', '@millrace/udp-native'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
) {
  process.stderr.write('the native addon could not be built: its tests are skipped\n');
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
const counts = join(folder, 'counts.json');
const vitest = ['vitest', 'run', '--reporter=default', '--reporter=./scripts/closing-reporter.mjs'];
if (process.env.MILLRACE_COVERAGE === '1') vitest.push('--coverage');
const succeeded = run('npx', [...vitest, ...process.argv.slice(2)], { env: { ...env, MILLRACE_TEST_COUNTS: counts } });

let result = { passed: 0, failed: 1, skipped: 0, skips: [] };
try {
  result = JSON.parse(readFileSync(counts, 'utf8'));
} catch {
  process.stderr.write('the test runner ended without counting its tests\n');
}
rmSync(folder, { recursive: true });
if (result.skips.length > 0) process.stdout.write(`\nskipped:\n  ${result.skips.join('\n  ')}\n`);
let { failed } = result;
if (process.env.MILLRACE_NO_SKIPS === '1') failed += result.skipped;
if (!succeeded && failed === 0) failed = 1;
if (result.passed === 0 && failed === 0) failed = 1;
close(result.passed, failed, result.skipped);
