import { ProtocolError } from './errors.js';
import { LIMITS } from './gen/limits.js';

export interface HostPortOptions {
  /** What the text is, for the message; for example the path of a configuration key. */
  name?: string;
  /** Host to use where the text is a port alone, as `8080`; without it that is an error. */
  defaultHost?: string;
  /** Least port. 0, which asks the system for a free one, is allowed by default; targets set 1. */
  minPort?: 0 | 1;
}

/**
 * Takes `example.org:80`, `127.0.0.1:0` or `[::1]:80` apart; the host comes without brackets. Throws CONFIG_INVALID that
 * names the text.
 */
export function parseHostPort(text: string, options: HostPortOptions = {}): { host: string; port: number } {
  const { name = 'address', defaultHost, minPort = 0 } = options;
  const fail = (why: string): never => {
    throw new ProtocolError('CONFIG_INVALID', `${name}: ${JSON.stringify(text)} ${why}; give HOST:PORT or [IPV6]:PORT`);
  };
  if (defaultHost !== undefined && /^\d+$/.test(text)) return { host: defaultHost, port: parsePort(text) };

  const colon = text.lastIndexOf(':');
  if (colon === -1) return fail('has no port');
  const port = parsePort(text.slice(colon + 1));
  const host = text.slice(0, colon);
  if (host.startsWith('[') && host.endsWith(']')) {
    const address = host.slice(1, -1);
    return IPV6_LIKE.test(address) ? { host: address, port } : fail('has no IPv6 address between the brackets');
  }
  if (IPV6_LIKE.test(host)) return fail('has an IPv6 address without brackets');
  if (!HOST_LIKE.test(host)) return fail('has no host name');
  if (host.length > LIMITS.maxHostBytes) return fail(`has a host name of more than ${LIMITS.maxHostBytes} characters`);
  return { host, port };

  function parsePort(digits: string): number {
    const port = /^\d{1,5}$/.test(digits) ? Number(digits) : -1;
    return port >= minPort && port <= 65535 ? port : fail(`needs a port from ${minPort} to 65535`);
  }
}

/** `HOST:PORT`, with brackets round an IPv6 address. */
export const formatHostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Whether it is a valid address is found out by the system when it is used; these only keep other syntax out. */
const IPV6_LIKE = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?$/;
const HOST_LIKE = /^[^\s/@?#[\]\\:]+$/;
