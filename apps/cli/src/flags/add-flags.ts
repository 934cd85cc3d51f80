import { Option, type Command } from 'commander';
import { CliError } from '../errors.js';
import { parseFlag, rangeText } from './parse-value.js';
import { flagsOf, kebabCase, type FlagDefinition, type SectionName } from './schema.js';

/** Shorter names that some flags have too. */
const ALIASES: Readonly<Record<string, string>> = { drainSeconds: 'drain' };

/** Adds the flags of a section of the configuration to a command. */
export function addFlags(command: Command, section: SectionName): void {
  const flags = flagsOf(section);
  for (const flag of flags) {
    for (const option of optionsOf(flag, flags)) command.addOption(option);
  }
}

/**
 * The values that were given on the command line, under the names that the section of the configuration has. Nothing is
 * defaulted: what is absent here may stand in the configuration file.
 */
export function givenFlags(command: Command, section: SectionName): Record<string, unknown> {
  const values = command.opts<Record<string, unknown>>();
  const given = flagsOf(section).map((flag) => [flag.key, values[attributeName(flag)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** `--allow-private`, as it is typed. */
function flagName({ name }: Pick<FlagDefinition, 'name'>): string {
  return `--${name}`;
}

function optionsOf(flag: FlagDefinition, section: readonly FlagDefinition[]): Option[] {
  const alias = ALIASES[flag.key];
  const names = `${alias === undefined ? '' : `--${alias}, `}${flagName(flag)}`;
  const text = helpText(flag, section);
  if (flag.kind === 'boolean') {
    return [new Option(names, text), new Option(`--no-${flag.name}`, `turns ${flagName(flag)} off`).hideHelp()];
  }
  const option = new Option(`${names} <${placeholder(flag)}>`, text);
  option.argParser((value: string, earlier: unknown) => {
    const parsed = parse(flag, value);
    if (!flag.list) return parsed;
    return [...(Array.isArray(earlier) ? earlier : []), ...(Array.isArray(parsed) ? parsed : [parsed])];
  });
  if (flag.kind === 'integer' && !flag.list) option.helpGroup('Numbers:');
  return [option];
}

/** A wrong value is an error here and not in the parser of the command line, which would repeat the value: it may be secret. */
function parse(flag: FlagDefinition, value: string): unknown {
  try {
    return parseFlag(flag, value);
  } catch (error) {
    throw new CliError('USAGE', `${flagName(flag)} ${(error as Error).message}`, {
      where: flagName(flag),
      cause: error,
    });
  }
}

/** The name under which the parser of the command line keeps the value. */
function attributeName({ name }: FlagDefinition): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Name of the value in help, from the unit in the option's name. */
function placeholder(flag: FlagDefinition): string {
  const [first, ...others] = flag.fields ?? [];
  if (first) return [first.name, ...(others.length > 0 ? ['name=value…'] : [])].join(',');
  if (flag.choices) return flag.choices.join('|');
  const unit = /(Ms|Seconds|Bytes|File|Ports|Names)$/.exec(flag.key)?.[0];
  const units: Readonly<Record<string, string>> = {
    Ms: 'ms',
    Seconds: 'seconds',
    Bytes: 'bytes',
    File: 'file',
    Ports: 'port',
    Names: 'name',
  };
  if (unit !== undefined) return units[unit] ?? 'value';
  if (flag.kind === 'integer') return 'number';
  return /^(up\.)?(socks|http|listen|admin)$/.test(flag.key) ? 'host:port' : 'text';
}

/** The text of the specification, with flags named as flags, and default and range from the schema. */
function helpText(flag: FlagDefinition, section: readonly FlagDefinition[]): string {
  const keys = new Set(section.map(({ key }) => key));
  const text = flag.text.replace(/`([^`]+)`/g, (_, word: string) => (keys.has(word) ? `--${kebabCase(word)}` : word));
  const fields = flag.fields?.slice(1).map((field) => field.name);
  const notes = [
    ...(fields && fields.length > 0 ? [`names: ${fields.join(', ')}`] : []),
    ...(flag.list ? ['may be repeated'] : []),
    ...(hasDefault(flag)
      ? [`default ${Array.isArray(flag.default) ? flag.default.join(',') : String(flag.default)}`]
      : []),
    ...(flag.kind === 'integer' && flag.maximum !== undefined ? [rangeText(flag)] : []),
  ];
  return notes.length === 0 ? text : `${text} (${notes.join('; ')})`;
}

function hasDefault({ default: value }: FlagDefinition): boolean {
  return value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);
}
