import { createSocket, type Socket } from 'node:dgram';
import type { Address } from './address.js';
import { parseHost } from './host.js';
import type { NameCache } from './name-cache.js';
import type { EgressPolicy } from './policy.js';
import { widenReceiveRoom } from './receive-room.js';

/** Where datagrams come from. */
export interface Source {
  address: string;
  port: number;
}

/** What {@link Datagrams} needs. */
export interface DatagramsOptions {
  policy: EgressPolicy;
  names: NameCache;
  /** Datagrams handed to the system and not sent yet; beyond it new ones are dropped, as the network would. */
  maxSending: number;
  /** Only tests give another one. */
  makeSocket?: (family: 4 | 6) => Socket;
}

/**
 * The way out for one UDP association: datagrams to any number of targets, IPv4 and IPv6, each checked on the address that it
 * is then sent to.
 */
export class Datagrams {
  readonly #options: DatagramsOptions;
  readonly #sockets = new Map<4 | 6, Socket>();
  #onDatagram: (data: Buffer, from: Source) => void = () => {};
  #closed = false;

  constructor(options: DatagramsOptions) {
    this.#options = options;
  }

  /** Who hears what comes in, from anybody. To be set once. */
  listen(onDatagram: (data: Buffer, from: Source) => void): void {
    this.#onDatagram = onDatagram;
  }

  /**
   * The addresses that host and port stand for, checked against the lists of names and ports; at once unless a name has to be
   * resolved.
   * @throws NodeError `POLICY_DENIED`, `DIAL_NAME_*`, `QUEUE_FULL`; the promise rejects with the same.
   */
  resolve(text: string, port: number): Address[] | Promise<Address[]> {
    const { policy, names } = this.#options;
    const host = parseHost(text);
    policy.checkTarget(host, port);
    return 'address' in host ? [host.address] : names.resolve(host.name);
  }

  /**
   * Sends to the first of the addresses that may be reached, and returns it; undefined when too many datagrams wait to be
   * sent, and this one is dropped. `failed` is called when the system does not take it.
   * @throws NodeError `POLICY_DENIED`
   */
  send(addresses: readonly Address[], port: number, data: Uint8Array, failed: () => void): Address | undefined {
    const address = this.#allowed(addresses, port);
    const socket = this.#socket(address.family);
    if (socket.getSendQueueCount() >= this.#options.maxSending) return undefined;
    socket.send(data, port, address.text, (error) => (error ? failed() : undefined));
    return address;
  }

  /** Resolves when the sockets are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  #allowed(addresses: readonly Address[], port: number): Address {
    let denial: unknown;
    for (const address of addresses) {
      try {
        this.#options.policy.checkAddress(address, port);
        return address;
      } catch (error) {
        denial ??= error;
      }
    }
    throw denial;
  }

  #socket(family: 4 | 6): Socket {
    const known = this.#sockets.get(family);
    if (known !== undefined) return known;
    const socket = (this.#options.makeSocket ?? makeSocket)(family);
    socket.on('message', (data, { address, port }) => {
      if (!this.#closed) this.#onDatagram(data, { address, port });
    });
    // ICMP errors, and no more ports: hints, not the end of a flow. What could not be sent is told by its callback.
    socket.on('error', () => {});
    widenReceiveRoom(socket);
    this.#sockets.set(family, socket);
    return socket;
  }
}

const makeSocket = (family: 4 | 6): Socket =>
  family === 4 ? createSocket('udp4') : createSocket({ type: 'udp6', ipv6Only: true });
