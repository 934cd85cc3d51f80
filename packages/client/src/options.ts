/** Options of a tunnel: one function returns them fully defaulted and range-checked. */
import type { AccountEntry, EventHub, MillraceEvent, RelayEntry, UpConfig } from '@millrace/protocol';
import type { StateStore, TunnelOptions } from './tunnel/types.js';
import { ProtocolError } from '@millrace/protocol';
import { checkKey, resolveUp } from '@millrace/protocol/config';
import { parseResetRule } from './carriers/quota-reset.js';
import { TunnelError } from './errors.js';

/** A relay entry with what follows from it. */
export interface ResolvedRelay extends RelayEntry {
  /** For messages and events: the address without user, query and fragment, where secrets are; numbered when two look alike. */
  readonly name: string;
  readonly kind: 'node' | 'relay' | 'script';
  /** The `k` of bodies that this relay passes on: a script checks its own and puts the node's in. */
  readonly bodyKey: string;
  /** Account that it counts for. */
  readonly account: string;
  /** What it carries whole; `auto` where that has to be found out. */
  readonly carries: 'auto' | 'bytes' | 'text';
  /** Level 2: longest that it bears an exchange without an answer. */
  readonly holdMs: number;
  /** Level 2: largest bodies, as they travel. */
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
}

/** Bounds of one account. */
export interface ResolvedAccount {
  /** For messages and events: the name that it was given, or that of its only relay. */
  readonly label: string;
  /** Requests at once. */
  readonly maxConcurrent: number;
  /** Requests a day; undefined where nobody counts. */
  readonly dailyRequests: number | undefined;
  /** When the count begins anew, as in `AccountEntry.quotaReset`. */
  readonly quotaReset: string;
  /** Part of `dailyRequests` left unused, per cent. */
  readonly quotaMarginPercent: number;
}

/** `TunnelOptions` with every default filled in. */
export interface ResolvedOptions {
  /** The access key. */
  readonly key: string;
  readonly relays: readonly ResolvedRelay[];
  /** By the name in `ResolvedRelay.account`. */
  readonly accounts: ReadonlyMap<string, ResolvedAccount>;
  readonly level: 'auto' | '1' | '2';
  readonly allowDowngrade: boolean;
  readonly pipelineDepth: number;
  readonly connectionsPerRelay: number;
  readonly connectTimeoutMs: number;
  readonly exchangeTimeoutMs: number;
  readonly batchWaitMs: number;
  readonly flowIdleSeconds: number;
  readonly streamBufferBytes: number;
  readonly timing: boolean;
  readonly logTargets: boolean;
  readonly store: StateStore | undefined;
  readonly signal: AbortSignal | undefined;
  readonly events: EventHub<MillraceEvent> | undefined;
}

/** The keys of `UpConfig` that are options of a tunnel. The others are the command's: proxies, files, forwards. */
const SHARED_KEYS = [
  'relays',
  'accounts',
  'level',
  'allowDowngrade',
  'pipelineDepth',
  'connectionsPerRelay',
  'connectTimeoutMs',
  'exchangeTimeoutMs',
  'batchWaitMs',
  'flowIdleSeconds',
  'streamBufferBytes',
  'timing',
  'logTargets',
] as const satisfies ReadonlyArray<keyof UpConfig & keyof TunnelOptions>;

/** Requests at once of an account that is not described, or of a relay without one: what Apps Script bears. */
const DEFAULT_CONCURRENT = 30;

/** The same of a node without a relay in between: no provider counts, and a dial that hangs occupies a place for 10 s. */
const DIRECT_CONCURRENT = 256;

/** Checks and completes options. Throws `TunnelError`: CONFIG_INVALID, CONFIG_UNKNOWN_KEY, KEY_MISSING, KEY_WEAK. */
export function resolveOptions(options: TunnelOptions): ResolvedOptions {
  try {
    return resolve(options);
  } catch (error) {
    if (error instanceof ProtocolError) throw new TunnelError(error.code, error.message, { cause: error });
    throw error;
  }
}

function resolve(options: TunnelOptions): ResolvedOptions {
  const { key, signal, events, store, ...section } = options;
  if (typeof key !== 'string') throw new TunnelError('KEY_MISSING', 'no access key was given');
  checkKey(key);
  const up = resolveUp(section);
  const foreign = Object.keys(section).find((name) => !SHARED_KEYS.some((shared) => shared === name));
  if (foreign !== undefined) {
    const known = ['key', 'signal', 'events', 'store', ...SHARED_KEYS].join(', ');
    throw new TunnelError('CONFIG_UNKNOWN_KEY', `${foreign} is not an option of a tunnel; known are ${known}`);
  }
  const accounts = new Map(resolveAccounts(up.accounts));
  const relays = resolveRelays(up.relays, key);
  for (const { account, kind, name } of relays) {
    const maxConcurrent = kind === 'node' ? DIRECT_CONCURRENT : DEFAULT_CONCURRENT;
    if (!accounts.has(account)) accounts.set(account, resolveAccount({ name, maxConcurrent }, ''));
  }
  return {
    key,
    relays,
    accounts,
    level: up.level,
    allowDowngrade: up.allowDowngrade,
    pipelineDepth: up.pipelineDepth,
    connectionsPerRelay: up.connectionsPerRelay,
    connectTimeoutMs: up.connectTimeoutMs,
    exchangeTimeoutMs: up.exchangeTimeoutMs,
    batchWaitMs: up.batchWaitMs,
    flowIdleSeconds: up.flowIdleSeconds,
    streamBufferBytes: up.streamBufferBytes,
    timing: up.timing,
    logTargets: up.logTargets,
    store,
    signal,
    events,
  };
}

/** Accounts by the name in `ResolvedRelay.account`. Throws `TunnelError` CONFIG_INVALID. */
export function resolveAccounts(entries: readonly AccountEntry[]): Array<[name: string, bounds: ResolvedAccount]> {
  return entries.map((entry, index) => [`named ${entry.name}`, resolveAccount(entry, `accounts[${index}]`)]);
}

function resolveAccount(entry: AccountEntry, path: string): ResolvedAccount {
  const { name: label, maxConcurrent = DEFAULT_CONCURRENT, dailyRequests, quotaMarginPercent = 5 } = entry;
  const { quotaReset = '00:00 UTC' } = entry;
  if (parseResetRule(quotaReset) === undefined) {
    throw new TunnelError(
      'CONFIG_INVALID',
      `${path}.quotaReset is ${JSON.stringify(quotaReset)}; allowed are "rolling", and a time and a time zone that is known here, such as "00:00 America/Los_Angeles"`,
    );
  }
  return { label, maxConcurrent, dailyRequests, quotaReset, quotaMarginPercent };
}

function resolveRelays(entries: readonly RelayEntry[], key: string): ResolvedRelay[] {
  if (entries.length === 0) throw new TunnelError('CONFIG_INVALID', 'relays: at least one is needed');
  const seen = new Map<string, number>();
  return entries.map((entry, index) => {
    const path = `relays[${index}]`;
    const url = parseUrl(entry.url, `${path}.url`);
    const kind = entry.kind ?? 'relay';
    if (kind !== 'node' && !entry.token) {
      throw new TunnelError('CONFIG_INVALID', `${path}.token is needed for kind "${kind}"`);
    }
    const plain = `${url.origin}${url.pathname}`;
    const count = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, count);
    return {
      ...entry,
      kind,
      name: count === 1 ? plain : `${plain} #${count}`,
      bodyKey: kind === 'script' ? (entry.token as string) : key,
      account: entry.account === undefined ? `of relay ${index}` : `named ${entry.account}`,
      carries:
        entry.carries === undefined || entry.carries === 'auto' ? (kind === 'script' ? 'text' : 'auto') : entry.carries,
      holdMs: entry.holdMs ?? 30_000,
      maxRequestBytes: entry.maxRequestBytes ?? 4 * 1024 * 1024,
      maxResponseBytes: entry.maxResponseBytes ?? 4 * 1024 * 1024,
    };
  });
}

function parseUrl(text: string, path: string): URL {
  // The text itself stays out of messages: it may hold a token.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TunnelError('CONFIG_INVALID', `${path} is not an http: or https: address`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TunnelError('CONFIG_INVALID', `${path} has a user or password, which relays do not read; use token`);
  }
  return url;
}
