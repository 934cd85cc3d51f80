import { isIP, SocketAddress } from 'node:net';

import type { Cipher } from '../core/index.js';
import { resolveOptions } from '../core/options.js';
import { SessionError } from '../errors.js';
import type { ConnectOptions } from './connect.js';
import { CIPHERS } from './greeting.js';
import type { Tier } from './packet-socket.js';
import type { ListenOptions } from './udp-host.js';

const TIERS: readonly Tier[] = ['gso', 'mmsg', 'dgram'];
const KEY_BYTES = 32;
const COMMON = ['session', 'copyFrames', 'tier', 'sharedKey', 'address', 'port', 'ciphers'];
const LISTEN = [...COMMON, 'privateKey', 'maxSessions'];
const CONNECT = [...COMMON, 'publicKey', 'keys', 'timeoutMs'];

/** The options of `listen` with their defaults. Throws SESSION_OPTION, also on a name that does not exist. */
export function checkListen(
  options: ListenOptions,
): ListenOptions & { address: string; port: number; maxSessions: number } {
  checkNames(options, LISTEN);
  const { address = '0.0.0.0', port = 0, maxSessions = 64 } = options;
  checkCommon(options);
  checkKey('privateKey', options.privateKey);
  checkWhole('port', port, 0, 65_535);
  checkWhole('maxSessions', maxSessions, 1, 256);
  return { ...options, address: numeric(address), port, maxSessions };
}

/** The options of `connect`, the address as received packets show it. Throws SESSION_OPTION, also on a name that does not exist. */
export function checkConnect(options: ConnectOptions): ConnectOptions & { timeoutMs: number } {
  checkNames(options, CONNECT);
  const { address, port, publicKey, sharedKey, keys, timeoutMs = 10_000 } = options;
  checkCommon(options);
  checkKey('publicKey', publicKey);
  checkWhole('port', port, 1, 65_535);
  checkWhole('timeoutMs', timeoutMs, 1, 3_600_000);
  if (publicKey === undefined && sharedKey === undefined && keys === undefined) {
    throw new SessionError('SESSION_OPTION', 'publicKey, sharedKey or keys is needed to know the host by');
  }
  if (keys?.role === 'host')
    throw new SessionError('SESSION_OPTION', 'who connects is the client: keys.role is not host');
  return { ...options, address: numeric(address), timeoutMs };
}

function checkCommon({ session = {}, copyFrames = false, tier, sharedKey, ciphers }: ListenOptions): void {
  if (typeof session !== 'object' || session === null) throw new SessionError('SESSION_OPTION', 'session is an object');
  resolveOptions(session);
  if (typeof copyFrames !== 'boolean') throw new SessionError('SESSION_OPTION', 'copyFrames is true or false');
  checkKey('sharedKey', sharedKey);
  if (tier !== undefined && !TIERS.includes(tier)) {
    throw new SessionError('SESSION_OPTION', `tier is ${TIERS.join(', ')}, not ${tier}`);
  }
  const isCipher = (cipher: Cipher): boolean => CIPHERS.includes(cipher);
  if (ciphers === undefined || (Array.isArray(ciphers) && ciphers.length > 0 && ciphers.every(isCipher))) return;
  throw new SessionError('SESSION_OPTION', `ciphers is a list of ${CIPHERS.join(', ')}`);
}

function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new SessionError('SESSION_OPTION', 'the options are an object');
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !names.includes(name))
      throw new SessionError('SESSION_OPTION', `there is no option ${name}`);
  }
}

function checkKey(name: string, key: Uint8Array | undefined): void {
  if (key === undefined || (key instanceof Uint8Array && key.length === KEY_BYTES)) return;
  throw new SessionError('SESSION_OPTION', `${name} is a Uint8Array of ${KEY_BYTES} bytes`);
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new SessionError('SESSION_OPTION', `${name} is a whole number from ${least} to ${most}, not ${String(value)}`);
}

/** An address as the system writes it: one can be written in many ways, and a name is none. */
function numeric(address: string): string {
  const version = typeof address === 'string' ? isIP(address) : 0;
  if (version === 0) throw new SessionError('SESSION_OPTION', `address is numeric, not ${address}`);
  if (version === 4 || address.includes('%')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
