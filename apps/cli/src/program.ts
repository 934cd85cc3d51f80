import { VERSION } from '@millrace/protocol';
import { Command } from 'commander';
import type { CommandContext } from './commands/context.js';
import { exitCodeTable } from './exit-codes.js';
import { addFlags, givenFlags } from './flags/add-flags.js';
import { addBenchFlags, type BenchFlags } from './flags/bench-flags.js';
import type { SectionName } from './flags/schema.js';
import {
  BENCH_HELP,
  CONFIG_HELP,
  DOCTOR_HELP,
  KEYGEN_HELP,
  NODE_HELP,
  PROGRAM_HELP,
  RELAY_HELP,
  UP_HELP,
} from './help.js';
import type { Io } from './io.js';
import { createOutput } from './output/output.js';

/** Widest help. Longer lines are hard to read, and terminals tell no width when there is a pipe. */
const HELP_COLUMNS = 120;

/**
 * Builds the command line. `done` gets the exit code of the command that ran. Each command is loaded when it runs, so that
 * `--help` and `keygen` do not wait for the tunnel to be read.
 */
export function createProgram(io: Io, done: (exitCode: number) => void): Command {
  const program = new Command('millrace')
    .description('Carries TCP and UDP through whatever a bad network still lets through.')
    .version(VERSION, '-v, --version', 'prints the version')
    .helpOption('-h, --help', 'prints this')
    .helpCommand('help [command]', 'prints the help of a command')
    .addHelpText('after', PROGRAM_HELP.replace('EXIT_CODES', exitCodeTable()))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are printed in one place, with code and next step.
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? HELP_COLUMNS, HELP_COLUMNS),
    });

  const serving = (name: SectionName, summary: string, help: string): Command => {
    const command = program.command(name).description(summary).addHelpText('after', help);
    addFlags(command, name === 'doctor' ? 'up' : name);
    if (name === 'doctor') addFlags(command, 'doctor');
    command.option('--config <file>', 'reads options from a JSON file; flags win over it');
    return command.option('--json', 'prints one event a line, as JSON; the first is `ready`');
  };
  const contextOf = (command: Command, section: SectionName): CommandContext => {
    const { config, json } = command.opts<{ config?: string; json?: boolean }>();
    return { io, config, output: createOutput(io, json === true), given: givenFlags(command, section) };
  };

  const upCommand = serving('up', 'Runs the proxies and forwards of this machine.', UP_HELP);
  upCommand.option('--faults <file>', 'with --embedded: makes the relay as bad as this file says');
  upCommand.action(async (flags: { faults?: string }) => {
    const { up } = await import('./commands/up.js');
    done(await up(contextOf(upCommand, 'up'), flags));
  });

  const nodeCommand = serving('node', 'Runs a tunnel node: it dials the targets.', NODE_HELP);
  nodeCommand.action(async () => {
    const { node } = await import('./commands/node.js');
    done(await node(contextOf(nodeCommand, 'node')));
  });

  const relayCommand = serving(
    'relay',
    'Runs a relay in front of one node, or prints one for Apps Script.',
    RELAY_HELP,
  );
  relayCommand.option('--out <file>', 'with --apps-script: writes it to a new file that only you can read');
  relayCommand.option('--faults <file>', 'runs a relay that is as bad as this file says, to try things out');
  relayCommand.action(async (flags: { out?: string; faults?: string }) => {
    const { relay } = await import('./commands/relay.js');
    done(await relay(contextOf(relayCommand, 'relay'), flags));
  });

  const doctorCommand = serving('doctor', 'Checks every hop of a set-up and says what to do.', DOCTOR_HELP);
  doctorCommand.action(async () => {
    const { doctor } = await import('./commands/doctor.js');
    done(await doctor(contextOf(doctorCommand, 'up'), givenFlags(doctorCommand, 'doctor')));
  });

  const benchCommand = program
    .command('bench')
    .description('Measures your own set-up, relay by relay.')
    .addHelpText('after', BENCH_HELP);
  addFlags(benchCommand, 'up');
  addBenchFlags(benchCommand);
  benchCommand.action(async (flags: BenchFlags) => {
    const { bench } = await import('./commands/bench.js');
    const config = typeof flags.live === 'string' ? flags.live : flags.config;
    const context = { io, config, output: createOutput(io, false), given: givenFlags(benchCommand, 'up') };
    done(await bench(context, flags));
  });

  program
    .command('keygen')
    .description('Makes an access key or a relay token.')
    .option('--out <file>', 'writes it to a new file that only you can read, instead of printing it')
    .addHelpText('after', KEYGEN_HELP)
    .action(async ({ out }: { out?: string }) => {
      const { keygen } = await import('./commands/keygen.js');
      done(await keygen(io, out));
    });

  addConfigCommands(program, io, done);
  return program;
}

function addConfigCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  const config = program
    .command('config')
    .description('Checks configuration files and prints their schema.')
    .addHelpText('after', CONFIG_HELP);
  config
    .command('check')
    .description('Reads a configuration file as the commands would.')
    .argument('<file>', 'the configuration file')
    .option('--json', 'prints the result as an event')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { configCheck } = await import('./commands/config.js');
      done(await configCheck(createOutput(io, json === true), file));
    });
  config
    .command('schema')
    .description('Prints the JSON schema of configuration files.')
    .action(async () => {
      const { configSchemaText } = await import('./commands/config.js');
      done(configSchemaText(io));
    });
}
