// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer and runs this package's tests on that build. The
// first wrong access ends the process, and with it the run.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
const repository = fileURLToPath(new URL('../../..', import.meta.url));

function run(args, options = {}) {
  const { status, signal, error } = spawnSync(process.execPath, args, {
    cwd: repository,
    stdio: 'inherit',
    ...options,
  });
  if (error) process.stderr.write(`${error.message}\n`);
  if (status !== 0) {
    process.stderr.write(`${args[0]} failed${signal ? `: ${signal}` : ''}\n`);
    process.exit(1);
  }
}

/** The runtime that belongs to the compiler: it must be loaded before anything else, since Node itself is built without. */
function library(name) {
  const { stdout, error } = spawnSync(process.env.CC ?? 'gcc', [`-print-file-name=${name}`], { encoding: 'utf8' });
  const path = stdout?.trim() ?? '';
  if (!error && path.startsWith('/')) return path;
  process.stderr.write(`${name} is not there: the sanitizers of the compiler are needed\n`);
  process.exit(1);
}

run([fileURLToPath(new URL('build.mjs', import.meta.url)), '--sanitize']);
const env = {
  ...process.env,
  MILLRACE_NATIVE: `${folder}build-asan/Release/udp_native.node`,
  LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
  // Node leaves memory to the end of the process on purpose.
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:strict_string_checks=1:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:abort_on_error=1',
  MILLRACE_COVERAGE: '',
};
run(['node_modules/vitest/vitest.mjs', 'run', '--project', 'udp-native', ...process.argv.slice(2)], { env });
