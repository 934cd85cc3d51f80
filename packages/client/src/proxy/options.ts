import { TunnelError } from '../errors.js';
import { PROXY_LIMITS } from './limits.js';

/** User and password that a proxy asks for. */
export interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

/** Options that the three listeners share. */
export interface ListenOptions {
  /** `HOST:PORT` to listen on; port 0 picks a free one. Outside loopback a proxy needs `auth`, a forward is refused. */
  listen: string;
  /**
   * When an application hears of its connection. `result`: after the dial, as the right reply. `early`: at once; a dial
   * that fails then resets the socket. Saves a round trip for applications that send first. @default 'result'
   */
  openReply?: 'result' | 'early';
  /**
   * With `early`: how long an application may take to send its first bytes, so that they travel with the connect, in
   * ms, 0 to 1000. Not waited for on ports where servers speak first. @default 50
   */
  firstBytesMs?: number;
  /** Sockets at once; more are closed on arrival. 1 to 65536. @default 1024 */
  maxSockets?: number;
  /**
   * How long the target may stay silent once the application has ended its side, in ms, 1 to 86400000; then both are reset.
   * An application that left for good is noticed sooner where its system tells (Linux: about a minute). This bound is
   * for the others: at level 1 the target does not hear of an end, and may wait for it as long as its client. @default 600000
   */
  halfClosedIdleMs?: number;
}

/** Options of the SOCKS5 and the HTTP proxy. */
export interface ProxyOptions extends ListenOptions {
  /** User and password that programs have to give; none are asked for by default. 1 to 255 bytes each. */
  auth?: ProxyCredentials;
  /** How long a program may take from connecting to its complete request (SOCKS5) or header (HTTP), in ms. @default 30000 */
  handshakeMs?: number;
}

/** Options of a port forward. */
export interface ForwardOptions extends ListenOptions {
  /** Target name or address, resolved at the node. */
  host: string;
  /** Target port. */
  port: number;
}

/** Fully defaulted and checked options. */
export interface ResolvedProxyOptions {
  readonly listen: string;
  readonly openReply: 'result' | 'early';
  readonly firstBytesMs: number;
  readonly maxSockets: number;
  readonly halfClosedIdleMs: number;
  readonly handshakeMs: number;
  readonly auth: ProxyCredentials | undefined;
}

const SHARED = ['listen', 'openReply', 'firstBytesMs', 'maxSockets', 'halfClosedIdleMs'];

/** Checks the options of a proxy. @throws TunnelError CONFIG_INVALID, CONFIG_UNKNOWN_KEY */
export function resolveProxyOptions(options: ProxyOptions): ResolvedProxyOptions {
  refuseUnknown(options, [...SHARED, 'auth', 'handshakeMs']);
  const { auth } = options;
  if (auth !== undefined) {
    checkCredential('user', auth.user);
    checkCredential('password', auth.password);
  }
  return { ...shared(options), auth, handshakeMs: integer('handshakeMs', options.handshakeMs, 30_000, 1, 600_000) };
}

/** Checks the options of a forward. @throws TunnelError CONFIG_INVALID, CONFIG_UNKNOWN_KEY */
export function resolveForwardOptions(options: ForwardOptions): ResolvedProxyOptions & { host: string; port: number } {
  refuseUnknown(options, [...SHARED, 'host', 'port']);
  if (typeof options.host !== 'string' || options.host === '') throw invalid('host', 'a name or an address');
  const port = integer('port', options.port, Number.NaN, 1, 65_535);
  return { ...shared(options), auth: undefined, handshakeMs: 30_000, host: options.host, port };
}

function shared(options: ListenOptions) {
  const openReply = options.openReply ?? 'result';
  if (typeof options.listen !== 'string') throw invalid('listen', 'HOST:PORT');
  if (openReply !== 'result' && openReply !== 'early') throw invalid('openReply', "'result' or 'early'");
  return {
    listen: options.listen,
    openReply,
    firstBytesMs: integer('firstBytesMs', options.firstBytesMs, 50, 0, 1000),
    maxSockets: integer('maxSockets', options.maxSockets, PROXY_LIMITS.maxSockets, 1, 65_536),
    halfClosedIdleMs: integer('halfClosedIdleMs', options.halfClosedIdleMs, 600_000, 1, 86_400_000),
  };
}

function refuseUnknown(options: object, known: string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TunnelError('CONFIG_UNKNOWN_KEY', `there is no option ${name} here; there are ${known.join(', ')}`);
    }
  }
}

function integer(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  const number = value ?? fallback;
  if (!Number.isInteger(number) || number < min || number > max) {
    throw invalid(name, `a whole number from ${min} to ${max}`);
  }
  return number;
}

/** RFC 1929 gives each one byte of length; Basic credentials end the user at the first colon. */
function checkCredential(name: 'user' | 'password', value: unknown): void {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0;
  if (bytes < 1 || bytes > 255) throw invalid(`auth.${name}`, '1 to 255 bytes of text');
  if (name === 'user' && (value as string).includes(':')) throw invalid('auth.user', 'text without a colon');
}

function invalid(name: string, allowed: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', `${name} must be ${allowed}`);
}
