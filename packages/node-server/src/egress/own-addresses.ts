import { networkInterfaces } from 'node:os';
import type { Clock } from '../clock.js';
import { NODE_LIMITS } from '../limits.js';
import { parseAddress } from './address.js';

/** This machine: its addresses and the ports that the node itself listens on. */
export interface OwnAddresses {
  /** Whether an interface of this machine has the address (in the spelling of `Address.readings`). */
  isOwn(reading: string): boolean;
  /** Whether the node listens on the port. */
  isListening(port: number): boolean;
}

/** Asks the system for its addresses now and then. Listening ports are told by {@link SystemAddresses.listen}. */
export class SystemAddresses implements OwnAddresses {
  readonly #clock: Clock;
  readonly #ports = new Set<number>();
  #addresses: ReadonlySet<string> = new Set();
  #readAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a port that the node listens on. */
  listen(port: number): void {
    this.#ports.add(port);
  }

  isListening(port: number): boolean {
    return this.#ports.has(port);
  }

  isOwn(reading: string): boolean {
    const now = this.#clock.now();
    if (now - this.#readAt > NODE_LIMITS.ownAddressesMs) {
      this.#readAt = now;
      this.#addresses = readInterfaces();
    }
    return this.#addresses.has(reading);
  }
}

function readInterfaces(): Set<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set(addresses.flatMap(({ address }) => parseAddress(address)?.readings ?? []));
}
