import { lookup } from 'node:dns/promises';
import { NodeError } from '../errors.js';
import { NODE_LIMITS } from '../limits.js';
import { type Address, parseAddress } from './address.js';
import { lookupError } from './platform-errors.js';

/** Resolves a name to all its addresses, in the order in which they are preferred. */
export type Lookup = (name: string) => Promise<Array<{ address: string; family: 4 | 6 }>>;

/** The system's resolver, hosts file included. */
export const systemLookup: Lookup = async (name) => {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/**
 * The addresses of a name, each once, bounded in number. Asks once: what is checked is what is dialled.
 * @throws NodeError `DIAL_NAME_NOT_FOUND`, `DIAL_NAME_FAILED`.
 */
export async function resolveName(name: string, lookup: Lookup): Promise<Address[]> {
  let found: Array<{ address: string }>;
  try {
    found = await lookup(name);
  } catch (error) {
    throw lookupError(error instanceof Error ? error : new Error(String(error)));
  }
  const addresses = new Map<string, Address>();
  for (const { address: text } of found) {
    const address = parseAddress(text);
    if (address !== undefined) addresses.set(address.text, address);
  }
  if (addresses.size === 0) throw new NodeError('DIAL_NAME_NOT_FOUND', 'the name has no address');
  return [...addresses.values()].slice(0, NODE_LIMITS.maxDialAddresses);
}
