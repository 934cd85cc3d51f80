import { networkInterfaces } from 'node:os';

const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));

/** The loopback addresses of this machine, as they are written before a port. Containers often have no IPv6. */
export const LOOPBACKS: readonly string[] = ['127.0.0.1', ...(addresses.includes('::1') ? ['[::1]'] : [])];
