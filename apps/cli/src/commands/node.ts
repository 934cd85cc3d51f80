import { createSecureContext } from 'node:tls';
import { startNode } from '@millrace/node-server';
import { EventHub, VERSION, type NodeConfig, type ReadyEvent } from '@millrace/protocol';
import { CliError, toCliError } from '../errors.js';
import { serve, type Running } from '../serve.js';
import { readTextFile } from '../settings/files.js';
import { secretReader } from '../settings/secrets.js';
import { nodeSettings, placeOf } from '../settings/section.js';
import { configOf, type CommandContext } from './context.js';

/** `millrace node`: the tunnel node, until a signal; then it drains. */
export async function node(context: CommandContext): Promise<number> {
  const settings = nodeSettings(await configOf(context), context.given);
  const { keyFile, tlsCertFile, tlsKeyFile, ...options } = settings;
  const key = await secretReader(context.io).key(keyFile);
  const tls = await tlsOf({ tlsCertFile, tlsKeyFile });
  return await serve(context.io, async (): Promise<Running> => {
    const events = new EventHub();
    const unfollow = context.output.follow(events);
    const running = await startNode({ ...options, key, events, ...tls }).catch((error: unknown) => {
      const { code } = toCliError(error);
      const listeners = `--listen ${options.listen}, --admin ${options.admin || '(none)'}`;
      throw toCliError(error, code.startsWith('ADDRESS_') ? listeners : placeOf('node'));
    });
    const admin = running.adminUrl === undefined ? {} : { admin: running.adminUrl };
    const ready: ReadyEvent = { event: 'ready', node: running.url, ...admin };
    context.output.say(banner(ready, options));
    context.output.event(ready);
    return {
      async stop() {
        const { streams, flows } = running.stats();
        // The node tells of both phases itself.
        const drained = running.drain();
        if (streams + flows > 0) {
          context.output.say(`They may go on for ${options.drainSeconds} s; Ctrl-C again ends them at once.`);
        }
        await drained;
        unfollow();
      },
    };
  });
}

async function tlsOf({ tlsCertFile, tlsKeyFile }: NodeConfig): Promise<{ tls?: { cert: string; key: string } }> {
  if (tlsCertFile === undefined && tlsKeyFile === undefined) return {};
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    const options = { where: '--tls-cert-file, --tls-key-file', next: 'Give both, or neither.' };
    throw new CliError('CONFIG_INVALID', 'TLS needs a certificate and its key', options);
  }
  const [cert, key] = await Promise.all([
    readTextFile(tlsCertFile, '--tls-cert-file'),
    readTextFile(tlsKeyFile, '--tls-key-file'),
  ]);
  checkPem({ cert }, `--tls-cert-file ${tlsCertFile}`, 'holds no certificate as PEM text');
  checkPem({ key }, `--tls-key-file ${tlsKeyFile}`, 'holds no private key as PEM text, or one with a passphrase');
  checkPem({ cert, key }, '--tls-cert-file, --tls-key-file', 'the key is not that of the certificate');
  return { tls: { cert, key } };
}

/** TLS itself names neither the file nor what is wrong with it. @throws CliError CONFIG_INVALID */
function checkPem(parts: { cert?: string; key?: string }, where: string, message: string): void {
  try {
    createSecureContext(parts);
  } catch (error) {
    throw new CliError('CONFIG_INVALID', message, { where, cause: error, next: 'Give another file.' });
  }
}

function banner(ready: ReadyEvent, options: Pick<NodeConfig, 'allowPrivate' | 'diagnose'>): string {
  const lines = [`Millrace node ${VERSION} is up.`, `  tunnel  ${ready.node}`];
  if (ready.admin) lines.push(`  admin   ${ready.admin} (/healthz, /readyz, /metrics)`);
  if (options.allowPrivate) lines.push('  note    clients reach loopback and private addresses of this machine');
  if (options.diagnose) lines.push('  note    refusals say why: for setting up only');
  lines.push('', 'Try, on the client:', `  millrace up --key-file FILE --relay ${ready.node},kind=node`);
  return lines.join('\n');
}
