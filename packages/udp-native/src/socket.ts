import { ADDRESS_BYTES, readAddress, writeAddress, type SocketAddress } from './address.js';
import type { Binding, SocketHandle } from './binding.js';
import { NativeError } from './error.js';

/**
 * How packets reach the system: `gso`, several packets of one length to a message that the kernel or the network card takes
 * apart (UDP_SEGMENT) and puts together again (UDP_GRO); `mmsg`, one to a message, many messages to a call.
 */
export type Tier = 'gso' | 'mmsg';

/** Words of a row that describes a packet to `send`, or a received one. */
export const SOCKET_ROW_WORDS = 4;

/** Most bytes of one packet to send. */
export const MAX_SEND_BYTES = 65_487;

/** Most slots of a receive slab that one batch fills. */
export const MAX_SLOTS = 64;

export interface SocketOptions {
  /** Numeric address to bind, `0.0.0.0` by default. `::` takes IPv4 too, where the system can. */
  readonly address?: string;
  /** Port to bind; 0, the default, lets the system choose. */
  readonly port?: number;
  /** The best tier that may be used, by default `gso`. What the system does not have is not used. */
  readonly tier?: Tier;
  /**
   * Size of each of the two buffers of the kernel, by default 4 MiB: about 25 ms of 1.2 Gbit/s. A system may give less
   * (net.core.rmem_max); it costs kernel memory only while packets wait.
   */
  readonly bufferBytes?: number;
  /** A received packet that is longer is dropped and counted as truncated. 1 to 65,535, by default 2,047. */
  readonly maxPacketBytes?: number;
  /** Sets DF and ignores the kernel's idea of the path MTU, as packet-level path MTU discovery needs. By default true. */
  readonly dontFragment?: boolean;
  /** Called once after a `send` that took fewer packets than it was given, as soon as the system takes more. */
  readonly onWritable?: () => void;
}

/** Counts since the socket was opened. */
export interface SocketStats {
  /** The tier in use now: `mmsg` on a `gso` socket means that the system refused segments a short time ago. */
  readonly tier: Tier;
  /** Whether the kernel joins received packets (UDP_GRO). */
  readonly joins: boolean;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly sendCalls: number;
  /** Packets that the system refused to send for a reason of their own; the row has the errno. */
  readonly refused: number;
  /** Sends that ended early because the system took no more. */
  readonly blocked: number;
  /** How often `gso` was given up for a time. */
  readonly stepDowns: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly receiveCalls: number;
  /** Received messages dropped because they were longer than `maxPacketBytes`, or came from no usable address. */
  readonly truncated: number;
  /** Errors that the system told in place of packets, such as those that ICMP messages cause. */
  readonly receiveErrors: number;
  /**
   * What the kernel took in and dropped, nearly always because its receive buffer was full. Packets that it had joined may count
   * as one. 0 where the system does not tell (all but Linux).
   */
  readonly dropped: number;
}

/** What the binding tells of a socket. */
export interface SocketDescription extends SocketStats {
  readonly slotBytes: number;
}

/**
 * A bound UDP socket. Packets lie in slabs of the caller and are described by rows of `SOCKET_ROW_WORDS` words; neither may be
 * shared memory, nor may rows overlap a slab or a table of addresses.
 *
 * | word | |
 * | --- | --- |
 * | 0 | offset of the packet in the slab |
 * | 1 | bytes |
 * | 2 | index of the address in the table of addresses (entries of `ADDRESS_BYTES`) |
 * | 3 | after `send`: 0, or the errno with which the system refused this packet; received: 0 |
 */
export class NativeSocket {
  readonly #binding: Binding;
  readonly #handle: SocketHandle;
  /** The address that the socket is bound to. */
  readonly address: SocketAddress;
  /**
   * Bytes of one slot of a receive slab: 65,536 where the kernel joins packets, else `maxPacketBytes` + 1, so that a longer
   * packet is seen as such.
   */
  readonly slotBytes: number;

  /** Use `NativeAddon.openSocket`. */
  constructor(binding: Binding, options: SocketOptions) {
    const resolved = resolveSocketOptions(options);
    const table = new Uint8Array(ADDRESS_BYTES);
    writeAddress(table, 0, resolved.address, resolved.port);
    this.#binding = binding;
    const { tier, bufferBytes, maxPacketBytes, dontFragment, onWritable } = resolved;
    this.#handle = binding.openSocket(table, tier, bufferBytes, maxPacketBytes, dontFragment, onWritable);
    binding.localAddress(this.#handle, table);
    this.address = readAddress(table, 0);
    this.slotBytes = binding.describe(this.#handle).slotBytes;
  }

  /**
   * Sends the packets of `count` rows, in their order, in as few system calls as the tier allows: rows in sequence with one
   * entry of the table and one length (the last may be shorter) share a message. Returns how many rows are done with, sent or refused. Fewer
   * than `count` means that the system takes no more for now; the next row's word 3 has the reason, and `onWritable` is called
   * when it is time to go on. Throws `NATIVE_RANGE`, with nothing sent, when a row lies outside the slab or the table, is
   * longer than `MAX_SEND_BYTES`, or has an IPv6 address on an IPv4 socket; `NATIVE_CLOSED` after `close`.
   */
  send(slab: Uint8Array, rows: Uint32Array, count: number, addresses: Uint8Array): number {
    return this.#binding.send(this.#handle, slab, rows, count, addresses);
  }

  /**
   * Begins to receive, in place of any receiver before. A batch fills up to `MAX_SLOTS` slots of `slotBytes` in the slab,
   * writes each slot's sender to the entry of the same number in `addresses`, one row per packet, and calls `onBatch` with the
   * number of rows. All three are overwritten by the next batch. Where a batch has more packets than there are rows, it is given
   * in several calls. At most four batches are taken in one turn of the event loop. What `onBatch` throws is an uncaught
   * exception. Throws `NATIVE_RANGE` unless there is room for one slot, one address and one row.
   */
  receive(slab: Uint8Array, rows: Uint32Array, addresses: Uint8Array, onBatch: (count: number) => void): void {
    this.#binding.receive(this.#handle, slab, rows, addresses, onBatch);
  }

  /** Stops to receive: packets wait in the kernel's buffer. */
  pause(): void {
    this.#binding.receive(this.#handle);
  }

  /** Tier and counts; also after `close`. */
  stats(): SocketStats {
    const { slotBytes: _, ...stats } = this.#binding.describe(this.#handle);
    return stats;
  }

  /** Lets the open socket keep the process alive, as it does from the start while it receives or waits to send. */
  ref(): void {
    this.#binding.hold(this.#handle, true);
  }

  /** Lets the process end though the socket is open. */
  unref(): void {
    this.#binding.hold(this.#handle, false);
  }

  /** Closes at once; no callback comes afterwards. May be called again. */
  close(): void {
    this.#binding.closeSocket(this.#handle);
  }
}

/** The options with their defaults, range-checked. Throws `NATIVE_ARGUMENT` for one that does not exist. */
function resolveSocketOptions(options: SocketOptions): Required<SocketOptions> {
  const defaults: Required<SocketOptions> = {
    address: '0.0.0.0',
    port: 0,
    tier: 'gso',
    bufferBytes: 4 * 2 ** 20,
    maxPacketBytes: 2047,
    dontFragment: true,
    onWritable: () => {},
  };
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(defaults, name)) throw new NativeError('NATIVE_ARGUMENT', `there is no option ${name}`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const resolved = { ...defaults, ...(Object.fromEntries(given) as SocketOptions) };
  if (!(resolved.maxPacketBytes >= 1)) throw new NativeError('NATIVE_RANGE', 'maxPacketBytes is 1 to 65535');
  if (!(resolved.bufferBytes >= 4096)) throw new NativeError('NATIVE_RANGE', 'bufferBytes is 4096 to 1 GiB');
  return resolved;
}
