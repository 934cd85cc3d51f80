import { run } from '../../src/main.js';
import { testIo, type TestIo } from './test-io.js';

/** Runs a command to its end. */
export async function runToEnd(
  argv: readonly string[],
  options: Parameters<typeof testIo>[0] = {},
): Promise<TestIo & { exitCode: number }> {
  const test = testIo(options);
  return { ...test, exitCode: await run(argv, test.io) };
}
