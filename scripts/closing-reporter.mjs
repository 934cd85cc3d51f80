// A vitest reporter that leaves the counts of a run, and the reason of every skip, in a file for scripts/test.mjs.
import { writeFileSync } from 'node:fs';

export default class ClosingReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skips = [];
    for (const module of modules) {
      // A file that does not load has no tests to count, so it counts itself.
      if (module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'failed') counts.failed++;
        else {
          counts.skipped++;
          skips.push(`${test.fullName}: ${note ?? 'no reason given'}`);
        }
      }
    }
    const path = process.env.MILLRACE_TEST_COUNTS;
    if (path) writeFileSync(path, JSON.stringify({ ...counts, skips }));
  }
}
