#!/usr/bin/env node
import { writeFile } from 'node:fs/promises';
import type { BenchReport } from '@millrace/protocol';
import { BenchError } from './errors.js';
import { keptReports, writeDocs } from './report/docs.js';
import { mergedReport } from './report/newest.js';
import { readReports, writeJson } from './report/files.js';
import { htmlReport } from './report/html.js';
import { closingText, createDisplay } from './report/terminal.js';
import { helpText, listText, parseOptions } from './run/options.js';
import { runBench } from './run/run-bench.js';

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help || options.list) {
    process.stdout.write(options.help ? helpText() : listText());
    return 0;
  }
  const display = createDisplay(process.stdout);
  const history = await readReports(options.history);
  if (options.render) {
    await writeFile(options.html ?? '', htmlReport(mergedReport(history), history));
    return 0;
  }
  const save = async (report: BenchReport): Promise<void> => {
    if (options.json !== undefined) await writeJson(options.json, report);
    if (options.html !== undefined) await writeFile(options.html, htmlReport(report, history));
    // From the first wrong byte on nothing is published; what was kept before it stays.
    if (options.writeDocs && report.verified) await writeDocs(report);
  };
  const report = await runBench(options, { args, display, earlier: [...(await keptReports()), ...history], save });
  display.say(closingText(report.results));
  return report.verified ? 0 : 1;
}

// A signal ends the children too: they live no longer than the connection to this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof BenchError;
  process.stderr.write(`${known ? error.message : (error as Error).stack}\n`);
  process.exitCode = known && error.code !== 'REPORT' ? 2 : 1;
}
