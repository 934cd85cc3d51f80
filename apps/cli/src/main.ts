import { CommanderError } from 'commander';
import { CliError, toCliError } from './errors.js';
import type { Io } from './io.js';
import { createOutput } from './output/output.js';
import { printError } from './output/print-error.js';
import { createProgram } from './program.js';

/**
 * Runs the command.
 * @param argv the arguments, without the names of the runtime and the script
 * @returns the exit code; it never throws
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, (code) => (exitCode = code));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // The parser ends `--help` and `--version` by an error too.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = error instanceof CommanderError ? usageError(error, argv) : toCliError(error);
    const { code, message, next } = failure;
    // Of `bench` it names a file.
    if (argv.includes('--json') && argv[0] !== 'bench')
      createOutput(io, true).event({ event: 'error', code, message, next });
    printError(io, failure);
    return failure.exitCode;
  }
}

/** The parser's message is `error: …`, with a suggestion on a line of its own. */
function usageError(error: CommanderError, argv: readonly string[]): CliError {
  const unknown = argv[0] === 'help' && argv[1] !== undefined ? argv[1] : undefined;
  if (unknown !== undefined) {
    return new CliError('USAGE', `there is no command ${unknown}`, { next: '`millrace --help` lists them.' });
  }
  if (error.code === 'commander.help') {
    const help = argv.length === 0 ? '--help' : `help ${argv[0]}`;
    return new CliError('USAGE', 'no command was given', { next: `\`millrace ${help}\` lists them.` });
  }
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const next = suggestion?.replace(/^\((.*)\)$/, '$1');
  const known = error.code !== 'commander.unknownCommand' && argv[0]?.startsWith('-') === false;
  const command = known ? argv[0] : undefined;
  return new CliError('USAGE', what, {
    where: command === undefined ? 'millrace' : `millrace ${command}`,
    next: next ?? `\`millrace ${command === undefined ? '--help' : `help ${command}`}\` lists what there is.`,
  });
}
