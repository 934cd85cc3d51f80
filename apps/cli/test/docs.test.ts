import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../src/exit-codes.js';
import * as help from '../src/help.js';
import { createProgram } from '../src/program.js';
import { testIo } from './support/test-io.js';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const CLI_DOC = read('docs/CLI.md');
/** Tables are padded by the formatter. */
const TABLES = CLI_DOC.replace(/ +\|/g, ' |');

describe('every command line in', () => {
  test.each([
    ['docs/CLI.md', CLI_DOC],
    ['apps/cli/README.md', read('apps/cli/README.md')],
    ['README.md', read('README.md')],
    ['deploy/millrace-node.service', read('deploy/millrace-node.service')],
    ['--help', Object.values(help).join('\n')],
  ])('%s is one that the command takes', async (_, text) => {
    const lines = commandLines(text);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) await parse(words(line));
  });
});

test('docs/CLI.md has the table of exit codes', () => {
  for (const { code, text } of Object.values(EXIT)) expect(TABLES).toContain(`\n| ${code} | ${text} |`);
});

test('docs/CLI.md has every command', () => {
  const { commands } = createProgram(testIo().io, () => {});
  for (const command of commands) expect(TABLES).toContain(`\n| \`millrace ${command.name()}\` |`);
});

/** Lines that run the command: in code blocks of documents, below `Examples:` in help. */
function commandLines(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => line.split(' && '))
    .map((line) => /^ *(?:npx |[A-Za-z_]+=\S+ )?millrace (\S.*)$/.exec(line)?.[1] ?? '')
    .map((line) => line.replace(/ {2,}\S.*$/, '').replace(/ > \S+$/, ''))
    .filter((line) => line !== '');
}

/** Splits as a shell does, as far as the examples go. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

async function parse(argv: string[]): Promise<void> {
  const program = createProgram(testIo().io, () => {});
  disarm(program);
  await expect(program.parseAsync(argv, { from: 'user' }), argv.join(' ')).resolves.toBeDefined();
}

/** Leaves the parsing and takes the doing away. */
function disarm(command: Command): void {
  command.commands.forEach(disarm);
  if (command.commands.length === 0) command.action(() => {});
}
