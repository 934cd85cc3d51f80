import type { NativeAddon } from '@millrace/udp-native';

import { SessionError } from '../errors.js';
import { openDgramSocket } from './dgram-socket.js';
import { openNativeSocket } from './native-socket.js';
import type { Endpoint, OnPackets, PacketSocket, Tier } from './packet-socket.js';

/** Received packets may be larger than those that are sent: the peer has options of its own. */
const LEAST_RECEIVE_BYTES = 2047;

/**
 * Opens a socket of a tier: the one that is named, or the best there is. A tier of the addon where there is no addon is
 * SESSION_OPTION.
 */
export async function openSocket(
  addon: NativeAddon | undefined,
  tier: Tier | undefined,
  bind: Endpoint,
  maxPacketBytes: number,
  onPackets: OnPackets,
): Promise<PacketSocket> {
  if (tier === 'dgram' || (tier === undefined && addon === undefined)) return openDgramSocket(bind, onPackets);
  if (addon === undefined) {
    throw new SessionError('SESSION_OPTION', `tier ${tier} needs @millrace/udp-native, which is not there`);
  }
  const bytes = Math.max(LEAST_RECEIVE_BYTES, maxPacketBytes);
  return openNativeSocket(addon, tier ?? 'gso', bind, bytes, onPackets);
}
