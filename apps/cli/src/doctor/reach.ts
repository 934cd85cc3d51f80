import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectTls,
  rootCertificates,
  type ConnectionOptions,
  type TLSSocket,
} from 'node:tls';
import { formatHostPort, parseHostPort, type RelayEntry } from '@millrace/protocol';
import { readTextFile } from '../settings/files.js';
import { failed, passed, type Failed, type Finding } from './checklist.js';

/** Where the connections of a relay entry go. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Name that the certificate must have. */
  readonly serverName: string;
}

/** The address that a relay entry leads to, with `connectTo` and `tlsName` followed. */
export function endpointOf(entry: Pick<RelayEntry, 'url' | 'connectTo' | 'tlsName'>): Endpoint {
  const url = new URL(entry.url);
  const tls = url.protocol === 'https:';
  const urlHost = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  const to = entry.connectTo === undefined ? { host: urlHost, port } : parseHostPort(entry.connectTo);
  return { ...to, tls, serverName: entry.tlsName ?? urlHost };
}

/** Whether the relay's name resolves here. */
export async function checkName({ host }: Endpoint): Promise<Finding> {
  if (isIP(host)) return passed(`${host} is an address: nothing to look up`);
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
    return passed(`${host} is ${addresses.join(', ')}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EAI_AGAIN' ? 'the resolver of this machine did not answer' : 'there is no such name';
    return failed('RELAY_NAME', `${host} does not resolve here: ${why}`);
  }
}

/** Whether the port takes connections. */
export async function checkTcp(endpoint: Endpoint, timeoutMs: number): Promise<Finding> {
  const place = formatHostPort(endpoint.host, endpoint.port);
  try {
    await using(openTcp(endpoint), timeoutMs, 'connect');
    return passed(`${place} takes connections`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === TIMED_OUT) return failed('RELAY_TIMEOUT', `${place} did not answer within ${timeoutMs} ms`);
    return failed('RELAY_OFFLINE', `${place} cannot be reached: ${REASONS[code ?? ''] ?? message}`);
  }
}

/** Whether TLS works and the certificate is right; whether the port speaks TLS at all. @throws CliError FILE_UNREADABLE */
export async function checkTls(endpoint: Endpoint, caFile: string | undefined, timeoutMs: number): Promise<Finding> {
  const ca = caFile === undefined ? undefined : [...rootCertificates, await readTextFile(caFile, '--relay …,ca-file')];
  try {
    const socket = connectTls({ ...addressOf(endpoint), ...serverNameOf(endpoint), ...(ca ? { ca } : {}) });
    await using(socket, timeoutMs, 'secureConnect');
    return passed(`the certificate is right for ${endpoint.serverName}`);
  } catch (error) {
    if (await speaksPlainHttp(endpoint, timeoutMs)) return wrongScheme(endpoint);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === TIMED_OUT) return failed('RELAY_TLS', `TLS was not agreed on within ${timeoutMs} ms`);
    const clock = code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID';
    const next = clock
      ? { next: 'Check the clock of this machine; if it is right, the certificate needs renewing.' }
      : {};
    return failed('RELAY_TLS', `TLS with ${endpoint.serverName} failed: ${message}`, next);
  }
}

/** For an `http:` address that gave no good answer: the failure, if the port speaks TLS. */
export async function checkPlain(endpoint: Endpoint, timeoutMs: number): Promise<Failed | undefined> {
  try {
    // Only whether TLS is spoken matters here; nothing is sent over it.
    const socket = connectTls({ ...addressOf(endpoint), ...serverNameOf(endpoint), rejectUnauthorized: false });
    await using(socket, timeoutMs, 'secureConnect');
    return wrongScheme(endpoint);
  } catch {
    return undefined;
  }
}

function wrongScheme({ host, port, tls }: Endpoint): Failed {
  const [is, should] = tls ? ['plain HTTP', 'http'] : ['TLS', 'https'];
  const next = `Write the relay's address with \`${should}://\`, or give the port where the other scheme is spoken.`;
  return failed('RELAY_SCHEME', `${formatHostPort(host, port)} speaks ${is}, and the address says the other`, { next });
}

async function speaksPlainHttp(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
  const socket = openTcp(endpoint);
  try {
    socket.write(`HEAD / HTTP/1.1\r\nHost: ${endpoint.serverName}\r\nConnection: close\r\n\r\n`);
    const [chunk] = await within(socket, timeoutMs, once(socket, 'data'));
    return String(chunk).startsWith('HTTP/1.');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const TIMED_OUT = 'ERR_DOCTOR_TIMEOUT';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
  ECONNRESET: 'the connection was reset',
};

function addressOf({ host, port }: Endpoint): { host: string; port: number } {
  return { host, port };
}

/** SNI carries names only (RFC 6066, section 3); the certificate is checked for addresses too. */
function serverNameOf({ serverName }: Endpoint): Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'> {
  const sni = isIP(serverName) ? {} : { servername: serverName };
  return { ...sni, checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate) };
}

function openTcp(endpoint: Endpoint): Socket {
  return connect({ ...addressOf(endpoint), noDelay: true });
}

/** Waits for an event of a socket and closes it. */
async function using(socket: Socket | TLSSocket, timeoutMs: number, event: string): Promise<void> {
  try {
    await within(socket, timeoutMs, once(socket, event));
  } finally {
    socket.destroy();
  }
}

async function within<T>(socket: Socket, timeoutMs: number, wait: Promise<T>): Promise<T> {
  const late = Object.assign(new Error('timed out'), { code: TIMED_OUT });
  const timer = setTimeout(() => socket.destroy(late), timeoutMs);
  // A peer that hangs up without a word would else be waited for until the timeout.
  const end = (): void => void socket.destroy(Object.assign(new Error('the peer hung up'), { code: 'ECONNRESET' }));
  socket.once('end', end);
  try {
    return await wait;
  } finally {
    clearTimeout(timer);
    socket.off('end', end);
    // Errors of a socket that is being thrown away concern nobody.
    socket.on('error', () => {});
  }
}
