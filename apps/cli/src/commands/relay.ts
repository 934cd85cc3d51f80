import { startRelay } from '@millrace/relay';
import { renderAppsScript } from '@millrace/relay/apps-script';
import { EventHub, VERSION, type ReadyEvent } from '@millrace/protocol';
import { CliError, toCliError } from '../errors.js';
import { kebabCase } from '../flags/schema.js';
import { serve, type Running } from '../serve.js';
import { writeSecretFile } from '../settings/files.js';
import { secretReader } from '../settings/secrets.js';
import { relaySettings } from '../settings/section.js';
import { readFaults, startSimulatedRelay } from '../simulated-relay.js';
import { configOf, type CommandContext } from './context.js';

/** What only `millrace relay` has. */
export interface RelayFlags {
  /** File to write the Apps Script to. */
  readonly out?: string;
  /** File that says how bad the relay is. */
  readonly faults?: string;
}

/** Options of a relay that a simulated one has too. */
const SIMULATED: ReadonlySet<string> = new Set(['node', 'listen', 'tokenFile']);

/** `millrace relay`: a relay in front of one node, until a signal, sound or simulated; or the file for Apps Script. */
export async function relay(context: CommandContext, { out, faults }: RelayFlags): Promise<number> {
  const { tokenFile, appsScript, node, ...options } = relaySettings(await configOf(context), context.given);
  if (node === undefined || node === '') {
    const next = 'Add `--node URL`, as `millrace node` printed it.';
    throw new CliError('CONFIG_INVALID', 'a relay needs the address of its node', { where: '--node', next });
  }
  if (out !== undefined && !appsScript) {
    throw new CliError('USAGE', 'only --apps-script writes a file', { where: '--out' });
  }
  const other = Object.keys(context.given).find((name) => !SIMULATED.has(name));
  if (faults !== undefined && other !== undefined) {
    const next = 'With --faults, give --node, --listen and --token-file; everything else stands in its file.';
    throw new CliError('USAGE', 'a simulated relay has no such option', { where: `--${kebabCase(other)}`, next });
  }
  const token = await secretReader(context.io).relayToken(tokenFile);
  if (faults !== undefined) return await simulate(context, { node, token, listen: options.listen }, faults);
  if (appsScript) return await printAppsScript(context, { node, token }, out);
  return await serve(context.io, async (): Promise<Running> => {
    const events = new EventHub();
    const unfollow = context.output.follow(events);
    const running = await startRelay({ ...options, node, token, events }).catch((error: unknown) => {
      throw toCliError(error, `--listen ${options.listen}`);
    });
    const ready: ReadyEvent = { event: 'ready', node, relay: running.url };
    context.output.say(banner(ready));
    context.output.event(ready);
    return {
      async stop() {
        await running.close();
        unfollow();
        context.output.event({ event: 'shutdown', phase: 'closed', streams: 0 });
      },
    };
  });
}

async function simulate(
  context: CommandContext,
  options: { node: string; token: string; listen: string },
  file: string,
): Promise<number> {
  const { output } = context;
  const faults = await readFaults(file);
  return await serve(context.io, async (): Promise<Running> => {
    const running = await startSimulatedRelay({ ...options, faults });
    const ready: ReadyEvent = { event: 'ready', node: options.node, relay: running.url };
    output.say(banner(ready));
    output.event(ready);
    output.event(running.ceiling);
    return {
      async stop() {
        await running.close();
        output.event(running.counts());
        output.event({ event: 'shutdown', phase: 'closed', streams: 0 });
      },
    };
  });
}

async function printAppsScript(
  { io }: CommandContext,
  options: { node: string; token: string },
  out: string | undefined,
): Promise<number> {
  const script = renderAppsScript(options);
  if (out === undefined) {
    io.stdout.write(script);
    return 0;
  }
  await writeSecretFile(out, script, '--out');
  const next = 'Paste it into a new Apps Script project and deploy it as a web app that runs as you, for anyone.';
  io.stdout.write(`Wrote ${out}, which holds the token.\n${next}\n`);
  return 0;
}

function banner(ready: ReadyEvent): string {
  return [
    `Millrace relay ${VERSION} is up.`,
    `  relay  ${ready.relay}`,
    `  node   ${ready.node}`,
    '',
    'Try, on the client:',
    `  millrace up --key-file FILE --relay ${ready.relay},token-file=FILE`,
  ].join('\n');
}
