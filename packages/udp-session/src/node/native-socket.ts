import type { NativeAddon } from '@millrace/udp-native';

import type { Endpoint, OnPackets, PacketSocket, Tier } from './packet-socket.js';

/** Words of the addon's description of a packet: offset, bytes, index of the address, errno. */
const ROW_WORDS = 4;
const ADDRESS_BYTES = 24;
const MAX_SLOTS = 64;
/** Packets of one batch: a slot of joined packets may hold many. */
const MAX_PACKETS = 4096;

/** The tiers of the native addon: many packets a system call. */
export async function openNativeSocket(
  addon: NativeAddon,
  tier: Exclude<Tier, 'dgram'>,
  bind: Endpoint,
  maxPacketBytes: number,
  onPackets: OnPackets,
): Promise<PacketSocket> {
  const { readAddress, writeAddress } = await import('@millrace/udp-native');
  const socket = addon.openSocket({ ...bind, tier, maxPacketBytes });
  const rows = new Uint32Array(MAX_PACKETS * ROW_WORDS);
  const offsets = new Uint32Array(MAX_PACKETS);
  const lengths = new Uint32Array(MAX_PACKETS);
  const senders = new Uint8Array(MAX_SLOTS * ADDRESS_BYTES);
  const slab = new Uint8Array(MAX_SLOTS * socket.slotBytes);
  socket.receive(slab, rows, senders, (count) => {
    for (let from = 0; from < count;) {
      const sender = rows[from * ROW_WORDS + 2]!;
      let packets = 0;
      for (; from + packets < count && rows[(from + packets) * ROW_WORDS + 2] === sender; packets++) {
        offsets[packets] = rows[(from + packets) * ROW_WORDS]!;
        lengths[packets] = rows[(from + packets) * ROW_WORDS + 1]!;
      }
      onPackets({ slab, offsets, lengths, count: packets }, readAddress(senders, sender));
      from += packets;
    }
  });
  const sendRows = new Uint32Array(MAX_SLOTS * ROW_WORDS);
  const target = new Uint8Array(ADDRESS_BYTES);
  let current: Endpoint | undefined;
  return {
    get tier(): Tier {
      return socket.stats().tier;
    },
    local: socket.address,
    send: (packets, to) => {
      if (current?.address !== to.address || current.port !== to.port) writeAddress(target, 0, to.address, to.port);
      current = to;
      let refused = 0;
      for (let from = 0; from < packets.count; from += MAX_SLOTS) {
        const count = Math.min(MAX_SLOTS, packets.count - from);
        for (let i = 0; i < count; i++) {
          sendRows[i * ROW_WORDS] = packets.offsets[from + i]!;
          sendRows[i * ROW_WORDS + 1] = packets.lengths[from + i]!;
          sendRows[i * ROW_WORDS + 2] = 0;
          sendRows[i * ROW_WORDS + 3] = 0;
        }
        const done = socket.send(packets.slab, sendRows, count, target);
        refused += count - done;
        for (let i = 0; i < done; i++) if (sendRows[i * ROW_WORDS + 3] !== 0) refused++;
      }
      return refused;
    },
    close: () => {
      socket.close();
      return Promise.resolve();
    },
  };
}
