import { open, writeFile } from 'node:fs/promises';
import { VERSION, type AccountEntry, type RelayEntry } from '@millrace/protocol';
import { startEmbedded } from '../embedded.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit-codes.js';
import type { BenchFlags } from '../flags/bench-flags.js';
import type { StopSignal } from '../io.js';
import { measureLive, requestLimits, type LiveReport } from '../live/index.js';
import { bytes as bytesText, liveLine, liveTable } from '../output/live-table.js';
import { relayLabels } from '../relay-label.js';
import { Closers } from '../serve.js';
import { checkUp } from '../settings/check-up.js';
import { reason } from '../settings/files.js';
import { secretReader } from '../settings/secrets.js';
import { upSettings } from '../settings/section.js';
import { tunnelOptions } from '../tunnel-options.js';
import { configOf, type CommandContext } from './context.js';

/** `millrace bench --live`: measures each relay of a set-up, politely. The exit code is 1 where one fails. */
export async function bench(context: CommandContext, flags: BenchFlags): Promise<number> {
  checkFlags(flags);
  const settings = upSettings(await configOf(context), context.given);
  checkUp(settings);
  if (flags.json !== undefined) await checkWritable(flags.json);
  const secrets = secretReader(context.io);
  const closers = new Closers();
  const stop = new AbortController();
  let stopped: StopSignal | undefined;
  closers.add(
    onSignal(context, (signal) => {
      stopped ??= signal;
      stop.abort(new Error('stopped by a signal'));
    }),
  );
  try {
    const embedded = settings.embedded ? await startEmbedded(settings) : undefined;
    if (embedded) closers.add(() => embedded.close());
    const relays = embedded ? [embedded.entry] : await secrets.relays(settings.relays);
    const key = embedded?.key ?? (await secrets.keyFor(relays, settings.keyFile));
    const accounts = embedded ? [embedded.account] : settings.accounts;
    const labels = relayLabels(relays);
    context.output.say(intention(requestLimits(relays, accounts, flags.requests), flags));
    let measured = 0;
    const report = await measureLive({
      tunnel: { ...tunnelOptions(settings), relays, accounts, key },
      maxBytes: flags.bytes,
      probes: flags.probes,
      maxRequests: flags.requests,
      timeoutMs: flags.seconds * 1_000,
      signal: stop.signal,
      ...(flags.download === undefined ? {} : { download: flags.download }),
      ...(flags.upload === undefined ? {} : { upload: flags.upload }),
      onPart: (_, part) => context.output.say(`${labels[measured] ?? ''}: ${part} …`),
      onRelay: (relay) => context.output.say(`${labels[measured++] ?? ''}: ${liveLine(relay)}`),
    });
    context.output.say(`\n${liveTable(report, labels, quotaLines(report, relays, accounts))}`);
    if (flags.json !== undefined) await writeReport(flags.json, report);
    if (stopped !== undefined) return stopped === 'SIGINT' ? EXIT.interrupted.code : EXIT.terminated.code;
    const failed = report.relays.some(({ errors }) => errors.length > 0);
    return failed ? EXIT.checkFailed.code : EXIT.ok.code;
  } finally {
    await closers.close();
  }
}

function checkFlags({ live, config, download, upload }: BenchFlags): void {
  if (live === undefined) {
    const next = 'Add `--live`: it measures the relays of your own set-up.';
    throw new CliError('USAGE', 'nothing was asked to be measured', { where: 'millrace bench', next });
  }
  if (typeof live === 'string' && config !== undefined) {
    throw new CliError('USAGE', 'two configuration files were given', { where: '--live, --config', next: 'Give one.' });
  }
  for (const [flag, url] of Object.entries({ download, upload })) {
    if (url === undefined || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) continue;
    throw new CliError('USAGE', `--${flag} needs an http: or https: address`, { where: `--${flag}` });
  }
}

function onSignal({ io }: CommandContext, listener: (signal: StopSignal) => void): () => Promise<void> {
  const unsubscribe = io.onSignal(listener);
  return async () => unsubscribe();
}

/** What it will cost, said before it begins. */
function intention(limits: number[], { bytes, probes, seconds, download, upload }: BenchFlags): string {
  const relays = limits.length;
  const directions = [download, upload].filter((url) => url !== undefined).length;
  const each = [
    `${probes} round trips for the latency`,
    ...(directions > 0 ? [`up to ${bytesText(bytes)} ${directions === 1 ? 'one way' : 'each way'}`] : []),
  ];
  const limit = `a relay is given up after ${rangeText(limits)} requests or ${seconds} s`;
  // Requests that are under way when the limit is reached come on top.
  const all = `at most ${bytesText(relays * directions * bytes)} of payload and about ${limits.reduce((sum, limit) => sum + limit, 0)} requests in all`;
  const count = relays === 1 ? '1 relay' : `${relays} relays, one after the other`;
  return `Measuring ${count}: ${each.join(', ')}; ${limit}; ${all}.`;
}

/** `500`, or `20 to 500` where relays differ. */
function rangeText(limits: number[]): string {
  const [least, most] = [Math.min(...limits), Math.max(...limits)];
  return least === most ? String(most) : `${least} to ${most}`;
}

/** What it cost of each account whose requests are counted. */
function quotaLines(report: LiveReport, relays: readonly RelayEntry[], accounts: readonly AccountEntry[]): string[] {
  return accounts.flatMap(({ name, dailyRequests }) => {
    if (dailyRequests === undefined) return [];
    const own = report.relays.filter((_, index) => relays[index]?.account === name);
    const used = own.reduce((sum, { requests }) => sum + requests, 0);
    const share = Number(((used / dailyRequests) * 100).toPrecision(2));
    return [`account ${name}: ${used} of ${dailyRequests} requests a day, ${share} %`];
  });
}

/** Before anything is measured: requests that have been spent on a report nobody gets are lost. */
async function checkWritable(path: string): Promise<void> {
  const file = await open(path, 'a').catch((error: unknown) => unwritable(path, error));
  await file.close();
}

async function writeReport(path: string, report: LiveReport): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, measuredAt: new Date().toISOString(), ...report }, undefined, 2)}\n`;
  await writeFile(path, text).catch((error: unknown) => unwritable(path, error));
}

function unwritable(path: string, error: unknown): never {
  throw new CliError('FILE_UNREADABLE', `cannot write ${path}: ${reason(error)}`, { where: '--json', cause: error });
}
