import type { NativeAddon } from '@millrace/udp-native';

import type { Endpoint, PacketSocket, SocketEvents, Tier } from './packet-socket.js';
import { SenderCache } from './sender-cache.js';

/** Words of the addon's description of a packet: offset, bytes, index of the address, errno. */
const ROW_WORDS = 4;
const ADDRESS_BYTES = 24;
/** Packets that are sent in one call. */
const MAX_SEND = 64;
/** The ring of a socket that is busy: slots for so many packets, or, where the system joins packets, for so many times 64 KiB. */
const SLOTS = 64;
const JOINED_SLOTS = 8;
const JOINED_SLOT_BYTES = 65_536;
/** Packets that are described in one call: a slot of joined packets may hold many. */
const MAX_PACKETS = 1024;

/** The tiers of the native addon: many packets a system call. */
export async function openNativeSocket(
  addon: NativeAddon,
  tier: Exclude<Tier, 'dgram'>,
  bind: Endpoint,
  maxPacketBytes: number,
  events: SocketEvents,
): Promise<PacketSocket> {
  const { readAddress, writeAddress } = await import('@millrace/udp-native');
  let blocked = false;
  const onWritable = (): void => {
    blocked = false;
    events.onWritable();
  };
  const socket = addon.openSocket({ ...bind, tier, maxPacketBytes, onWritable });
  const rows = new Uint32Array(MAX_PACKETS * ROW_WORDS);
  const packets = {
    slab: new Uint8Array(0),
    offsets: new Uint32Array(MAX_PACKETS),
    lengths: new Uint32Array(MAX_PACKETS),
    count: 0,
  };
  const senders = new Uint8Array(SLOTS * ADDRESS_BYTES);
  const endpoints = new SenderCache(senders, ADDRESS_BYTES, (table, index) => endpointOf(readAddress(table, index)));
  const mostSlots = socket.slotBytes < JOINED_SLOT_BYTES ? SLOTS : JOINED_SLOTS;
  const receive = (slots: number): void => {
    packets.slab = new Uint8Array(slots * socket.slotBytes);
    socket.receive(packets.slab, rows, senders, (count) => {
      // A socket that is idle, or nearly so, needs no ring: it gets one with the first batch that filled what it has.
      const isFull = rows[(count - 1) * ROW_WORDS + 2] === slots - 1;
      for (let from = 0; from < count;) {
        const sender = rows[from * ROW_WORDS + 2]!;
        let run = 0;
        for (; from + run < count && rows[(from + run) * ROW_WORDS + 2] === sender; run++) {
          packets.offsets[run] = rows[(from + run) * ROW_WORDS]!;
          packets.lengths[run] = rows[(from + run) * ROW_WORDS + 1]!;
        }
        packets.count = run;
        events.onPackets(packets, endpoints.endpoint(sender));
        from += run;
      }
      if (isFull && slots < mostSlots && !closed && count < MAX_PACKETS) receive(mostSlots);
    });
  };
  let closed = false;
  receive(1);
  const sendRows = new Uint32Array(MAX_SEND * ROW_WORDS);
  const target = new Uint8Array(ADDRESS_BYTES);
  let current: Endpoint | undefined;
  return {
    get tier(): Tier {
      return socket.stats().tier;
    },
    get overrun(): number {
      return socket.stats().dropped;
    },
    get blocked(): boolean {
      return blocked;
    },
    local: endpointOf(socket.address),
    send: (sending, to) => {
      if (current?.address !== to.address || current.port !== to.port) writeAddress(target, 0, to.address, to.port);
      current = to;
      let refused = 0;
      for (let from = 0; from < sending.count; from += MAX_SEND) {
        const count = Math.min(MAX_SEND, sending.count - from);
        for (let i = 0; i < count; i++) {
          sendRows[i * ROW_WORDS] = sending.offsets[from + i]!;
          sendRows[i * ROW_WORDS + 1] = sending.lengths[from + i]!;
          sendRows[i * ROW_WORDS + 2] = 0;
          sendRows[i * ROW_WORDS + 3] = 0;
        }
        const done = socket.send(sending.slab, sendRows, count, target);
        if (done < count) blocked = true;
        refused += count - done;
        for (let i = 0; i < done; i++) if (sendRows[i * ROW_WORDS + 3] !== 0) refused++;
      }
      return refused;
    },
    close: () => {
      closed = true;
      socket.close();
      return Promise.resolve();
    },
  };
}

function endpointOf({ address, port }: Endpoint): Endpoint {
  return { address, port };
}
