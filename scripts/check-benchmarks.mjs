// Checks that docs/BENCHMARKS.md is what the bench writes from docs/benchmarks/*.json: no figure in it was typed by hand.
// Needs the build. `--write` writes the page instead.
import { readFileSync, writeFileSync } from 'node:fs';
import { docsPage, pageFile } from '../packages/bench/dist/report/docs.js';

const page = await docsPage();
if (process.argv.includes('--write')) {
  writeFileSync(pageFile, page);
} else if (readFileSync(pageFile, 'utf8') !== page) {
  process.stderr.write(
    'docs/BENCHMARKS.md differs from what its reports say: npm run bench -- --write-docs writes it\n',
  );
  process.exit(1);
}
