import { parseArgs } from 'node:util';
import type { Link } from '../check/shaped-direction.js';
import { BenchError } from '../errors.js';
import { peers, PIPE_PEER } from '../peers/index.js';
import { scenarios } from '../scenarios/index.js';

/** What the command line asks for. */
export interface BenchOptions {
  quick: boolean;
  scenarios: string[];
  peers: string[];
  runs: number;
  warmUps: number;
  soakSeconds: number;
  json?: string;
  html?: string;
  writeDocs: boolean;
  history: string[];
  /** Draws what the history has instead of measuring. */
  render: boolean;
  against?: string;
  profile?: string;
  link?: Link;
  /** Whether the link is to be one of the kernel's, between network namespaces. */
  kernel: boolean;
  list: boolean;
  help: boolean;
}

const FLAGS = {
  quick: { type: 'boolean', help: 'small sizes and one run: for correctness, not for figures' },
  scenario: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'only this scenario (repeatable; --list names them)',
  },
  peer: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'this tunnel beside ours (repeatable; "all" for all that are installed)',
  },
  runs: { type: 'string', value: 'N', help: 'measured runs of each (default 5, with --quick 1)' },
  soak: { type: 'string', value: 'SECONDS', help: 'length of the soak (default 600, with --quick 3)' },
  against: {
    type: 'string',
    value: 'GITREF|FOLDER',
    help: 'measures that tree too, run by run beside this one; ratios first',
  },
  rtt: { type: 'string', value: 'MS', help: 'round trip between client and relays' },
  rate: { type: 'string', value: 'MBIT', help: 'rate of each leg per direction, all connections together' },
  loss: { type: 'string', value: 'PERCENT', help: 'segments lost on that link; TCP repairs them and stands meanwhile' },
  link: {
    type: 'string',
    value: 'KIND',
    help: 'what that link is: process (default), or kernel: two network namespaces, which need root and a program',
  },
  profile: {
    type: 'string',
    value: 'FOLDER',
    help: 'writes a CPU profile of each process there, and prints what costs most',
  },
  json: { type: 'string', value: 'FILE', help: 'writes the report as JSON' },
  html: { type: 'string', value: 'FILE', help: 'writes the report as one HTML file with charts' },
  history: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    help: 'earlier JSON report, or a folder of them, for the HTML report (repeatable)',
  },
  render: { type: 'boolean', help: 'measures nothing: draws the newest results of each scenario that --history has' },
  'write-docs': { type: 'boolean', help: 'writes docs/BENCHMARKS.md and its JSON' },
  list: { type: 'boolean', help: 'names scenarios and peers' },
  help: { type: 'boolean', help: 'this text' },
} as const;

/** The text of `--help`. */
export function helpText(): string {
  const lines = Object.entries(FLAGS).map(([name, flag]) => {
    const left = `--${name}${'value' in flag ? ` ${flag.value}` : ''}`;
    return `  ${left.padEnd(26)} ${flag.help}`;
  });
  return `npm run bench -- [OPTIONS]\n\nMeasures Millrace with every byte compared. Exit code 1 when a byte was wrong, 2 for a wrong option.\n\n${lines.join('\n')}\n`;
}

/** The text of `--list`. */
export function listText(): string {
  const wide = Math.max(...scenarios.map(({ name }) => name.length));
  const rows = scenarios.map(({ name, about }) => `  ${name.padEnd(wide)}  ${about}`);
  const others = [
    `  ${PIPE_PEER.padEnd(wide)}  plain TCP through one process in Node`,
    ...peers.map(({ name, about }) => `  ${name.padEnd(wide)}  ${about}`),
  ];
  return `Scenarios:\n${rows.join('\n')}\n\nPeers:\n${others.join('\n')}\n`;
}

/** Reads the arguments. @throws BenchError `USAGE` */
export function parseOptions(args: string[]): BenchOptions {
  const { values } = parse(args);
  const quick = values.quick ?? false;
  const known = new Set(scenarios.map(({ name }) => name));
  for (const name of values.scenario ?? [])
    if (!known.has(name)) throw new BenchError('USAGE', `no scenario ${name}: --list names them`);
  const peerNames = [PIPE_PEER, ...peers.map(({ name }) => name)];
  const asked = (values.peer ?? []).flatMap((name) => (name === 'all' ? peerNames : [name]));
  for (const name of asked)
    if (!peerNames.includes(name)) throw new BenchError('USAGE', `no peer ${name}: --list names them`);
  const rttMs = number('rtt', values.rtt, 0, 0);
  const rateMbps = number('rate', values.rate, 0, 0);
  const lossPercent = number('loss', values.loss, 0, 0, 50);
  const kind = values.link ?? 'process';
  if (kind !== 'process' && kind !== 'kernel') throw new BenchError('USAGE', `--link ${kind}: give process or kernel`);
  const kernel = kind === 'kernel';
  if (quick && values['write-docs'])
    throw new BenchError('USAGE', '--write-docs --quick: a quick run has no figures to publish');
  if (values.render && (values.html === undefined || values.history === undefined))
    throw new BenchError('USAGE', '--render draws what --history has into --html: give both');
  return {
    quick,
    scenarios: values.scenario ?? [],
    peers: [...new Set(asked)],
    runs: number('runs', values.runs, quick ? 1 : 5, 1, 1000),
    warmUps: quick ? 0 : 1,
    soakSeconds: number('soak', values.soak, quick ? 3 : 600, 1),
    ...(values.json !== undefined && { json: values.json }),
    ...(values.html !== undefined && { html: values.html }),
    writeDocs: values['write-docs'] ?? false,
    history: values.history ?? [],
    render: values.render ?? false,
    ...(values.against !== undefined && { against: values.against }),
    ...(values.profile !== undefined && { profile: values.profile }),
    ...((kernel || rttMs > 0 || rateMbps > 0 || lossPercent > 0) && { link: { rttMs, rateMbps, lossPercent } }),
    kernel,
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, strict: true, allowPositionals: false });
  } catch (error) {
    throw new BenchError('USAGE', (error as Error).message);
  }
}

function number(name: string, text: string | undefined, fallback: number, least: number, most = Infinity): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new BenchError(
    'USAGE',
    `--${name} ${text}: give a number from ${least}${most < Infinity ? ` to ${most}` : ''}`,
  );
}
