// Checks that no figure in docs/BENCHMARKS.md was typed by hand: the page is what the bench writes from docs/benchmarks/*.json,
// and in each of these every median, spread and verdict follows from its single runs. Needs the build. `--write` writes the
// page from them instead.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { docsPage, pageFile, reportsFolder } from '../packages/bench/dist/report/docs.js';
import { inconsistencies } from '../packages/bench/dist/report/consistent.js';

const schema = JSON.parse(readFileSync(new URL('../schemas/bench-report.schema.json', import.meta.url), 'utf8'));
const validate = new Ajv({ allowUnionTypes: true }).compile(schema);
const problems = readdirSync(reportsFolder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => {
    const report = JSON.parse(readFileSync(`${reportsFolder}/${name}`, 'utf8'));
    if (!validate(report)) return [`${name}: ${validate.errors[0].instancePath} ${validate.errors[0].message}`];
    return inconsistencies(report).map((problem) => `${name}: ${problem}`);
  });

const page = await docsPage();
if (process.argv.includes('--write')) {
  writeFileSync(pageFile, page);
} else if (readFileSync(pageFile, 'utf8') !== page) {
  problems.push('docs/BENCHMARKS.md differs from what its reports say: npm run bench -- --write-docs writes it');
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
