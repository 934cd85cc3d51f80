import { openTunnel, type Tunnel } from '@millrace/client';
import { startForward, startHttpProxy, startSocks5 } from '@millrace/client/proxy';
import { EventHub, VERSION, formatHostPort, type ReadyEvent, type RelayEntry, type UpConfig } from '@millrace/protocol';
import { parseForward } from '@millrace/protocol/config';
import { startEmbedded, type Embedded } from '../embedded.js';
import { CliError, toCliError } from '../errors.js';
import { Closers, serve, type Running } from '../serve.js';
import { checkUp } from '../settings/check-up.js';
import { secretReader, type SecretReader } from '../settings/secrets.js';
import { placeOf, upSettings } from '../settings/section.js';
import { readFaults } from '../simulated-relay.js';
import { stateStore, tunnelOptions } from '../tunnel-options.js';
import { configOf, type CommandContext } from './context.js';

type Settings = ReturnType<typeof upSettings>;

/** What only `millrace up` has. */
export interface UpFlags {
  /** File that says how bad the embedded relay is. */
  readonly faults?: string;
}

/** `millrace up`: proxies and forwards, until a signal. */
export async function up(context: CommandContext, flags: UpFlags): Promise<number> {
  const settings = upSettings(await configOf(context), context.given);
  checkUp(settings);
  if (flags.faults !== undefined && !settings.embedded) {
    const next = 'Add --embedded; or start a simulated relay of its own with `millrace relay --faults FILE`.';
    throw new CliError('CONFIG_INVALID', 'only the embedded relay can be made bad', { where: '--faults', next });
  }
  const faults = flags.faults === undefined ? undefined : await readFaults(flags.faults);
  return await serve(context.io, () => start(context, settings, faults));
}

async function start(
  context: CommandContext,
  settings: Settings,
  faults: Awaited<ReturnType<typeof readFaults>> | undefined,
): Promise<Running> {
  const closers = new Closers();
  try {
    const events = new EventHub();
    const unfollow = context.output.follow(events);
    const secrets = secretReader(context.io);
    const auth = await proxyAuth(settings, secrets);
    const embedded = settings.embedded ? await startEmbedded({ ...settings, faults }) : undefined;
    if (embedded) closers.add(() => embedded.close());
    const relays = embedded ? [embedded.entry] : await secrets.relays(settings.relays);
    const key = embedded?.key ?? (await secrets.keyFor(relays, settings.keyFile));
    const accounts = embedded ? [embedded.account] : settings.accounts;
    const tunnel = await openTunnel({
      ...tunnelOptions(settings),
      ...stateStore(settings),
      relays,
      accounts,
      key,
      events,
    }).catch((error: unknown) => {
      throw toCliError(error, placeOf('up'));
    });
    closers.add(() => tunnel.close());
    const listening = await listen(context, settings, tunnel, auth, closers);
    const ready: ReadyEvent = { event: 'ready', ...listening, ...addressesOf(embedded) };
    context.output.say(banner(ready, relays, settings));
    context.output.event(ready);
    const simulated = embedded?.simulated;
    if (simulated) context.output.event(simulated.ceiling);
    return {
      async stop() {
        await closers.close();
        unfollow();
        if (simulated) context.output.event(simulated.counts());
        context.output.event({ event: 'shutdown', phase: 'closed', streams: 0 });
      },
    };
  } catch (error) {
    // What failed to close after that is a consequence; the cause is what the user can act on.
    await closers.close().catch(() => {});
    throw error;
  }
}

type ProxyAuth = { user: string; password: string } | undefined;

async function proxyAuth(settings: UpConfig, secrets: SecretReader): Promise<ProxyAuth> {
  const { proxyUser: user, proxyPasswordFile: path } = settings;
  if (user === undefined || path === undefined) return undefined;
  return { user, password: await secrets.file(path, '--proxy-password-file') };
}

async function listen(
  context: CommandContext,
  settings: Settings,
  tunnel: Tunnel,
  auth: ProxyAuth,
  closers: Closers,
): Promise<Pick<ReadyEvent, 'socks' | 'http' | 'forward'>> {
  const { openReply, firstBytesMs } = settings;
  const common = { openReply, firstBytesMs, ...(auth === undefined ? {} : { auth }) };
  const opened: Pick<ReadyEvent, 'socks' | 'http' | 'forward'> = {};
  const open = async (flag: string, begin: () => Promise<{ address: string; close(): Promise<void> }>) => {
    const listener = await begin().catch((error: unknown) => {
      throw toCliError(error, flag, otherAddress(context, flag, error));
    });
    closers.add(() => listener.close());
    return listener.address;
  };
  const { socks, http } = settings;
  if (socks) opened.socks = await open(`--socks ${socks}`, () => startSocks5(tunnel, { ...common, listen: socks }));
  if (http) opened.http = await open(`--http ${http}`, () => startHttpProxy(tunnel, { ...common, listen: http }));
  for (const text of settings.forward) {
    const { listen: from, target } = parseForward(text);
    const options = { openReply, firstBytesMs, listen: formatHostPort(from.host, from.port), ...target };
    const address = await open(`--forward ${text}`, () => startForward(tunnel, options));
    opened.forward = [...(opened.forward ?? []), `${address}=${formatHostPort(target.host, target.port)}`];
  }
  return opened;
}

/** What to type when an address cannot be had, in the words of how the command was started. */
function otherAddress({ io }: CommandContext, flag: string, error: unknown): string | undefined {
  const { code } = toCliError(error);
  if (code === 'PROXY_OPEN') {
    if (flag.startsWith('--forward')) return 'Listen on 127.0.0.1: a forward cannot ask for a password.';
    return 'Add `--proxy-user NAME --proxy-password-file FILE`, or listen on 127.0.0.1.';
  }
  if (code !== 'ADDRESS_IN_USE') return undefined;
  const flags = '--socks 127.0.0.1:0 --http 127.0.0.1:0';
  const type = io.env.npm_lifecycle_event === 'start' ? `type \`npm start -- ${flags}\`` : `add \`${flags}\``;
  return `Stop the other program, or choose other ports; 0 picks a free one: ${type}.`;
}

function addressesOf(embedded: Embedded | undefined): Pick<ReadyEvent, 'node' | 'relay'> {
  return embedded ? { node: embedded.node, relay: embedded.relay } : {};
}

function banner(ready: ReadyEvent, relays: readonly RelayEntry[], settings: Settings): string {
  const lines = [`Millrace ${VERSION} is up.`];
  if (ready.socks) lines.push(line('SOCKS5 proxy', ready.socks));
  if (ready.http) lines.push(line('HTTP proxy', ready.http));
  for (const forward of ready.forward ?? []) lines.push(line('forward', forward.replace('=', ' to ')));
  if (ready.relay)
    lines.push(line('through', `relay ${ready.relay} and node ${ready.node ?? ''}, both in this process`));
  else lines.push(line('through', relays.length === 1 ? '1 relay' : `${relays.length} relays`));
  if (oneAtOnce(relays, settings)) lines.push(line('note', ONE_AT_ONCE));
  const next = tryThis(ready, settings.proxyUser);
  if (next !== undefined) lines.push('', 'Try:', `  ${next}`);
  lines.push('', 'Ctrl-C stops it.');
  return lines.join('\n');
}

const ONE_AT_ONCE =
  'one request at once: at level 1 whatever is wanted waits for it, 15 s where nothing moves. Raise max-concurrent, or use level 2.';

/** Whether a poll that the node holds would be in the way of all else. A relay without an account, or one not described, bears more. */
function oneAtOnce(relays: readonly RelayEntry[], { level, accounts, embedded }: Settings): boolean {
  if (level === '2' || embedded) return false;
  const names = new Set(relays.map(({ account }) => account));
  const [only] = names;
  return names.size === 1 && accounts.some(({ name, maxConcurrent }) => name === only && maxConcurrent === 1);
}

function line(name: string, value: string): string {
  return `  ${name.padEnd(12)} ${value}`;
}

/** A command that shows that it works. */
function tryThis({ socks, http }: ReadyEvent, user: string | undefined): string | undefined {
  const credentials = user === undefined ? '' : ` --proxy-user ${user}`;
  if (socks) return `curl${credentials} --socks5-hostname ${socks} https://example.org/`;
  if (http) return `curl${credentials} --proxy http://${http} https://example.org/`;
  return undefined;
}
