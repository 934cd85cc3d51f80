import { startRelay } from '@millrace/relay';
import { renderAppsScript } from '@millrace/relay/apps-script';
import { EventHub, VERSION, type ReadyEvent } from '@millrace/protocol';
import { CliError, toCliError } from '../errors.js';
import { serve, type Running } from '../serve.js';
import { writeSecretFile } from '../settings/files.js';
import { secretReader } from '../settings/secrets.js';
import { relaySettings } from '../settings/section.js';
import { configOf, type CommandContext } from './context.js';

/** `millrace relay`: a relay in front of one node, until a signal; or the file for Apps Script. */
export async function relay(context: CommandContext, out: string | undefined): Promise<number> {
  const { tokenFile, appsScript, node, ...options } = relaySettings(await configOf(context), context.given);
  if (node === undefined || node === '') {
    const next = 'Add `--node URL`, as `millrace node` printed it.';
    throw new CliError('CONFIG_INVALID', 'a relay needs the address of its node', { where: '--node', next });
  }
  if (out !== undefined && !appsScript) {
    throw new CliError('USAGE', 'only --apps-script writes a file', { where: '--out' });
  }
  const token = await secretReader(context.io).relayToken(tokenFile);
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
