/**
 * What a tunnel keeps over restarts, and its text: JSON with a version. Unknown fields are ignored, so that an older release
 * reads what a newer one has written; entries that are not what they should be are left out one by one.
 */
import { TunnelError } from '../errors.js';
import type { KeptProbes } from '../carriers/quota-probes.js';
import { DAY_MS } from '../carriers/quota-reset.js';
import type { KeptQuota } from '../carriers/quota.js';

/** Of an account that has a quota of the day. */
export interface KeptAccount extends KeptQuota {
  /** The rule that it was counted by: under another one the counts mean nothing. */
  readonly reset: string;
}

/** Of a relay. */
export interface KeptRelay {
  /** Level 2: how long it was found to bear an exchange without an answer. */
  readonly holdMs?: number;
  /** The highest level that a node spoke over it. */
  readonly level?: number;
}

/** Everything. Accounts and relays by name. */
export interface KeptState {
  readonly accounts: ReadonlyMap<string, KeptAccount>;
  readonly relays: ReadonlyMap<string, KeptRelay>;
}

const VERSION = 1;

/** Longer texts are not from here. */
const MAX_TEXT = 4 * 1024 * 1024;

/** Entries of each kind that are kept. More relays are in no configuration. */
export const MAX_ENTRIES = 1_024;

/** Slots of a rolling day. */
const MAX_COUNTS = 128;

/** Writes the text. */
export function formatState({ accounts, relays }: KeptState): string {
  const state = { version: VERSION, accounts: Object.fromEntries(accounts), relays: Object.fromEntries(relays) };
  return `${JSON.stringify(state)}\n`;
}

/** Reads the text. Throws `TunnelError` CONFIG_INVALID when it is not one of these. */
export function parseState(text: string): KeptState {
  if (text.length > MAX_TEXT) throw new TunnelError('CONFIG_INVALID', `it has more than ${MAX_TEXT} characters`);
  const { version, accounts, relays } = objectOf(text);
  if (version !== VERSION) {
    throw new TunnelError(
      'CONFIG_INVALID',
      `it has version ${JSON.stringify(version)}, and this release reads ${VERSION}`,
    );
  }
  return { accounts: entriesOf(accounts, accountOf), relays: entriesOf(relays, relayOf) };
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TunnelError('CONFIG_INVALID', 'it is not JSON', { cause: error });
  }
  if (!isObject(value)) throw new TunnelError('CONFIG_INVALID', 'it is not a JSON object');
  return value;
}

function entriesOf<T>(value: unknown, read: (entry: Record<string, unknown>) => T | undefined): Map<string, T> {
  const entries = new Map<string, T>();
  if (!isObject(value)) return entries;
  for (const [name, entry] of Object.entries(value).slice(0, MAX_ENTRIES)) {
    const kept = isObject(entry) ? read(entry) : undefined;
    if (kept !== undefined) entries.set(name, kept);
  }
  return entries;
}

function accountOf({ reset, counts, offsetMs, probes }: Record<string, unknown>): KeptAccount | undefined {
  if (typeof reset !== 'string' || !Array.isArray(counts) || counts.length > MAX_COUNTS) return undefined;
  if (!isDuration(offsetMs) || !counts.every(isCount)) return undefined;
  const kept = { reset, counts: counts.map(([at, used]) => [at, used] as const), offsetMs };
  const asked = isObject(probes) ? probesOf(probes) : undefined;
  return asked === undefined ? kept : { ...kept, probes: asked };
}

function probesOf({ since, refusedAt, gapMs, nextAt }: Record<string, unknown>): KeptProbes | undefined {
  if (!isTime(since) || !isTime(refusedAt) || !isDuration(gapMs) || !isTime(nextAt)) return undefined;
  return { since, refusedAt, gapMs, nextAt };
}

function relayOf({ holdMs, level }: Record<string, unknown>): KeptRelay {
  return {
    ...(isDuration(holdMs) && holdMs >= 0 ? { holdMs } : {}),
    ...(level === 1 || level === 2 ? { level } : {}),
  };
}

function isCount(value: unknown): value is [number, number] {
  return Array.isArray(value) && isTime(value[0]) && Number.isSafeInteger(value[1]) && value[1] >= 0;
}

/** Ms since 1970; of years that calendars can be asked for. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1e14;
}

/** Ms, of a day at most. */
function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= DAY_MS;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
