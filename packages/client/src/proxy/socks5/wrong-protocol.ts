import { OTHER_PROXY_PAGE } from '../http/pages.js';

/** What came to a SOCKS5 port instead of SOCKS5, and what can be said to it in its own words. */
export interface WrongProtocol {
  name: string;
  answer: Buffer;
}

/** "Request rejected or failed" of SOCKS4; its fields after the code mean nothing then. */
const SOCKS4_REJECTED = Buffer.from([0, 0x5b, 0, 0, 0, 0, 0, 0]);
/** A fatal alert, handshake_failure (RFC 8446, section 6). */
const TLS_ALERT = Buffer.from([0x15, 3, 1, 0, 2, 2, 40]);

/** Tells what a first byte that is not SOCKS5's belongs to. */
export function wrongProtocol(firstByte: number): WrongProtocol {
  if (firstByte === 4) return { name: 'SOCKS4', answer: SOCKS4_REJECTED };
  if (firstByte === 0x16) return { name: 'TLS', answer: TLS_ALERT };
  // HTTP methods begin with a letter; the registered ones with a capital.
  if (firstByte >= 0x41 && firstByte <= 0x5a) return { name: 'HTTP', answer: Buffer.from(OTHER_PROXY_PAGE) };
  return { name: 'something unknown', answer: Buffer.alloc(0) };
}
