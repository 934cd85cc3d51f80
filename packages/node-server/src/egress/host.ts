import { domainToASCII } from 'node:url';
import { LIMITS } from '@millrace/protocol';
import { NodeError } from '../errors.js';
import { type Address, parseAddress } from './address.js';

/** What a client asked to reach: an address, or a name in the one spelling that rules and resolver see. */
export type Host = { readonly address: Address } | { readonly name: string };

/**
 * Reads a host as clients write it. Names become lower case ASCII without the dot at the end; every spelling of an IPv4
 * address that a resolver would take (`0x7f.1`, `2130706433`, `127.1`, digits of other scripts) becomes that address.
 * @throws NodeError `DIAL_NAME_NOT_FOUND` for what is neither.
 */
export function parseHost(text: string): Host {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const literal = parseAddress(bare);
  if (literal !== undefined) return { address: literal };
  // By the rules of URLs, where a name whose last label is a number is an IPv4 address or nothing.
  const ascii = NO_HOST.test(bare) ? '' : domainToASCII(bare);
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  const address = parseAddress(name);
  if (address !== undefined) return { address };
  if (!NAME.test(name) || name.length > LIMITS.maxHostBytes) {
    throw new NodeError('DIAL_NAME_NOT_FOUND', 'host: neither a name nor an address');
  }
  return { name };
}

/** What the platform's function would take for the end of a host, or skip. */
const NO_HOST = /[\s/\\?#@:%[\]]|\p{Cc}/u;

/** Labels of up to 63 characters. Underscores are in use; anything else is no host name. */
const NAME = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
