import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

import type { Received } from '../core/index.js';
import type { Endpoint, PacketSocket, SocketEvents } from './packet-socket.js';

/** About 25 ms of 1.2 Gbit/s. The system may give less. */
const BUFFER_BYTES = 4 * 2 ** 20;
/** Bytes that wait inside Node for the system; what comes on top is refused, as a full queue of the system would. */
const MAX_WAITING_BYTES = 4 * 2 ** 20;

/** The tier that is always there: one system call a packet. */
export async function openDgramSocket(bind: Endpoint, events: SocketEvents): Promise<PacketSocket> {
  const socket = createSocket(isIPv6(bind.address) ? 'udp6' : 'udp4');
  const offsets = new Uint32Array(1);
  const lengths = new Uint32Array(1);
  let refused = 0;
  socket.on('message', (message, { address, port }) => {
    lengths[0] = message.length;
    events.onPackets({ slab: message, offsets, lengths, count: 1 }, { address, port });
  });
  socket.bind(bind.port, bind.address);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  // After that an error belongs to one packet, which then counts as lost.
  socket.on('error', () => refused++);
  try {
    socket.setRecvBufferSize(BUFFER_BYTES);
    socket.setSendBufferSize(BUFFER_BYTES);
  } catch {
    // A system that gives less still works.
  }
  const { address, port } = socket.address();
  let waiting = 0;
  let blocked = false;
  let onIdle: (() => void) | undefined;
  return {
    tier: 'dgram',
    local: { address, port },
    overrun: 0,
    get blocked(): boolean {
      return blocked;
    },
    send: ({ slab, offsets, lengths, count }: Received, to) => {
      for (let i = 0; i < count; i++) {
        const length = lengths[i]!;
        if (waiting + length > MAX_WAITING_BYTES) {
          blocked = true;
          refused++;
          continue;
        }
        waiting += length;
        // Node sends it later: a copy, since the slab is used again at once.
        const at = offsets[i]!;
        const packet = Buffer.from(slab.subarray(at, at + length));
        socket.send(packet, to.port, to.address, (error) => {
          waiting -= length;
          if (waiting === 0) onIdle?.();
          if (error !== null) refused++;
          if (!blocked || waiting > MAX_WAITING_BYTES / 2) return;
          blocked = false;
          events.onWritable();
        });
      }
      const before = refused;
      refused = 0;
      return before;
    },
    close: async () => {
      // What says goodbye is on its way through Node still.
      if (waiting > 0) await new Promise<void>((resolve) => (onIdle = resolve));
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
