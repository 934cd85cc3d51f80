import { getSystemErrorName } from 'node:util';

import type { ErrorCode } from '@millrace/protocol';
import type { NativeAddon } from '@millrace/udp-native';

import { SessionError } from '../errors.js';
import { openDgramSocket } from './dgram-socket.js';
import { openNativeSocket } from './native-socket.js';
import type { Endpoint, PacketSocket, SocketEvents, Tier } from './packet-socket.js';

/** Received packets may be larger than those that are sent: the peer has options of its own. */
const LEAST_RECEIVE_BYTES = 2047;

/** What the system says of an address, and how that is called here. */
const ADDRESS_ERRORS: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ADDRESS_UNAVAILABLE',
};

/**
 * Opens a socket of a tier: the one that is named, or the best there is. A tier of the addon where there is no addon is
 * SESSION_OPTION.
 */
export async function openSocket(
  addon: NativeAddon | undefined,
  tier: Tier | undefined,
  bind: Endpoint,
  maxPacketBytes: number,
  events: SocketEvents,
): Promise<PacketSocket> {
  if (addon === undefined && tier !== undefined && tier !== 'dgram') {
    throw new SessionError('SESSION_OPTION', `tier ${tier} needs @millrace/udp-native, which is not there`);
  }
  try {
    if (addon === undefined || tier === 'dgram') return await openDgramSocket(bind, events);
    const bytes = Math.max(LEAST_RECEIVE_BYTES, maxPacketBytes);
    return await openNativeSocket(addon, tier ?? 'gso', bind, bytes, events);
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    // The addon gives the number of the error, node:dgram its name.
    const name = code === 'NATIVE_SYSTEM' ? getSystemErrorName(-Math.abs(errno)) : code;
    const known = ADDRESS_ERRORS[name ?? ''];
    if (known === undefined) throw error;
    throw new SessionError(known, `${name}: ${bind.address} port ${bind.port}`, { cause: error });
  }
}
