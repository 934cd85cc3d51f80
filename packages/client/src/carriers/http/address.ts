/** Where the requests of a relay entry go. */
import { parseHostPort } from '@millrace/protocol';
import type { ResolvedRelay } from '../../options.js';

/** The address that bodies are posted to. */
export function requestUrl(relay: ResolvedRelay): URL {
  const url = new URL(relay.url);
  url.hash = '';
  if (relay.kind === 'node') url.pathname = `${url.pathname.replace(/\/+$/, '')}/tunnel/batch`;
  // In the address, since request headers do not survive every platform.
  if (relay.kind === 'relay' && relay.token !== undefined) url.searchParams.set('token', relay.token);
  return url;
}

/** Host and port to connect to for requests to `url`, and the name for TLS. */
export function endpoint(url: URL, relay: ResolvedRelay): { host: string; port: number; tlsName: string } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  // What the entry says of its own host is not said of the hosts that it redirects to.
  if (url.origin !== new URL(relay.url).origin) return { host, port, tlsName: host };
  const tlsName = relay.tlsName ?? host;
  return relay.connectTo === undefined ? { host, port, tlsName } : { ...parseHostPort(relay.connectTo), tlsName };
}
