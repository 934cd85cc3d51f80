import { ADDRESS_BYTES, writeAddress } from '../src/address.js';
import type { NativeAddon } from '../src/load.js';
import { MAX_SLOTS, SOCKET_ROW_WORDS, type NativeSocket, type SocketOptions } from '../src/socket.js';

/** A packet as a test looks at it. */
export interface Packet {
  readonly data: Buffer;
  readonly port: number;
}

/** A socket on loopback with all it needs to receive, collecting copies of what comes. */
export class Collector {
  readonly socket: NativeSocket;
  readonly packets: Packet[] = [];
  /** Rows of each call. */
  readonly batches: number[] = [];
  readonly slab: Uint8Array;
  readonly rows: Uint32Array;
  readonly addresses: Uint8Array;
  #waiting: { count: number; resolve: () => void } | undefined;

  constructor(addon: NativeAddon, options: SocketOptions = {}, room: { slots?: number; rows?: number } = {}) {
    const { slots = 16, rows = 1024 } = room;
    this.socket = addon.openSocket({ address: '127.0.0.1', ...options });
    this.slab = new Uint8Array(slots * this.socket.slotBytes);
    this.rows = new Uint32Array(rows * SOCKET_ROW_WORDS);
    this.addresses = new Uint8Array(Math.min(slots, MAX_SLOTS) * ADDRESS_BYTES);
    this.receive();
  }

  receive(): void {
    this.socket.receive(this.slab, this.rows, this.addresses, (count) => this.#onBatch(count));
  }

  #onBatch(count: number): void {
    this.batches.push(count);
    for (let i = 0; i < count; i++) {
      const [offset, length, address] = this.rows.subarray(i * SOCKET_ROW_WORDS);
      const entry = this.addresses.subarray(address! * ADDRESS_BYTES);
      const data = Buffer.from(this.slab.subarray(offset, offset! + length!));
      this.packets.push({ data, port: (entry[2]! << 8) | entry[3]! });
    }
    if (this.#waiting !== undefined && this.packets.length >= this.#waiting.count) this.#waiting.resolve();
  }

  /** Waits until `count` packets have come in all. */
  async have(count: number): Promise<void> {
    if (this.packets.length >= count) return;
    await new Promise<void>((resolve) => {
      this.#waiting = { count, resolve };
    });
  }
}

/** Packets ready to be sent: one behind the other, all to `ports` by turns. */
export function outgoing(
  packets: readonly Uint8Array[],
  ports: readonly number[],
  host = '127.0.0.1',
): { slab: Uint8Array; rows: Uint32Array; addresses: Uint8Array } {
  const slab = Buffer.concat(packets);
  const rows = new Uint32Array(packets.length * SOCKET_ROW_WORDS);
  const addresses = new Uint8Array(ports.length * ADDRESS_BYTES);
  for (const [i, port] of ports.entries()) writeAddress(addresses, i, host, port);
  let offset = 0;
  for (const [i, packet] of packets.entries()) {
    rows.set([offset, packet.length, i % ports.length, 0xffff_ffff], i * SOCKET_ROW_WORDS);
    offset += packet.length;
  }
  return { slab: new Uint8Array(slab), rows, addresses };
}

/** Word 3 of every row. */
export function outcomes(rows: Uint32Array): number[] {
  return Array.from({ length: rows.length / SOCKET_ROW_WORDS }, (_, i) => rows[i * SOCKET_ROW_WORDS + 3]!);
}
