import { Option, type Command } from 'commander';
import { CliError } from '../errors.js';
import { parseFlag, rangeText } from './parse-value.js';
import type { FlagDefinition } from './schema.js';

/** What only `millrace bench` has, as the command line gives it. */
export interface BenchFlags {
  /** The configuration file, or true without one. */
  readonly live?: string | true;
  readonly config?: string;
  readonly download?: string;
  readonly upload?: string;
  readonly bytes: number;
  readonly probes: number;
  readonly requests: number;
  readonly seconds: number;
  /** File for the report. */
  readonly json?: string;
}

const MIB = 1024 * 1024;

/** Numbers: name, text, default, least, most. Defaults are what a quota of a few thousand requests a day does not feel. */
const NUMBERS = [
  ['bytes', 'payload each way and relay, at most', 4 * MIB, 64 * 1024, 256 * MIB],
  ['probes', 'round trips for the latency of a relay, one after the other', 5, 1, 100],
  ['requests', 'requests after which a relay is given up', 500, 10, 10_000],
  ['seconds', 'time after which a relay is given up', 60, 5, 3600],
] as const;

/** Adds the flags of `millrace bench` that it does not share with `millrace up`. */
export function addBenchFlags(command: Command): void {
  command.option('--live [config]', 'measures the relays of a set-up; the file may be given here or by --config');
  command.option('--config <file>', 'reads options from a JSON file; flags win over it');
  command.option('--download <url>', 'page or file to fetch through the tunnel, http: or https:');
  command.option('--upload <url>', 'address that takes a POST through the tunnel, http: or https:');
  for (const [name, text, fallback, minimum, maximum] of NUMBERS) {
    const range = { kind: 'integer', minimum, maximum } as const;
    const flag: FlagDefinition = { key: name, name, text, list: false, ...range };
    const option = new Option(`--${name} <number>`, `${text} (${rangeText(flag)})`).default(fallback);
    option.argParser((value: string) => {
      try {
        return parseFlag(flag, value);
      } catch (error) {
        throw new CliError('USAGE', `--${name} ${(error as Error).message}`, { where: `--${name}`, cause: error });
      }
    });
    command.addOption(option.helpGroup('Numbers:'));
  }
  command.option('--json <file>', 'writes the report to a file too');
}
