import type { Socket } from 'node:net';
import type { ProxyContext } from '../context.js';
import { badRequestPage, serialise } from './pages.js';

/** What to say, in its own words, to a program that spoke something else. */
const SOCKS5_REFUSED = Buffer.from([5, 0xff]);
const SOCKS4_REFUSED = Buffer.from([0, 0x5b, 0, 0, 0, 0, 0, 0]);

/**
 * Ends a connection whose bytes are no HTTP request, with an answer that its program understands.
 */
export function badHeader(
  context: ProxyContext,
  error: Error & { code?: string; rawPacket?: Buffer },
  socket: Socket,
): void {
  const answer = explain(context, error);
  if (answer === undefined || !socket.writable) socket.destroy();
  else socket.end(answer, () => socket.destroySoon());
}

function explain(
  context: ProxyContext,
  error: Error & { code?: string; rawPacket?: Buffer },
): Buffer | string | undefined {
  const { code, rawPacket } = error;
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
  const wrong = (name: string) => {
    context.refuse(
      'PROXY_PROTOCOL',
      `a program spoke ${name} to the HTTP proxy; set it to an HTTP proxy, or to the SOCKS5 port`,
    );
  };
  if (code === 'HPE_HEADER_OVERFLOW') return serialise(badRequestPage('The header of the request is too large.', 431));
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return serialise(badRequestPage('The header of the request took too long.', 408));
  switch (rawPacket?.[0]) {
    case 5:
      wrong('SOCKS5');
      return SOCKS5_REFUSED;
    case 4:
      wrong('SOCKS4');
      return SOCKS4_REFUSED;
    case 0x16:
      wrong('TLS');
      return undefined;
    default:
      wrong('something that is not HTTP/1');
      return serialise(badRequestPage('What came is not an HTTP/1 request.'));
  }
}
