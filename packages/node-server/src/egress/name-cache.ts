import type { Clock } from '../clock.js';
import { NodeError } from '../errors.js';
import type { Address } from './address.js';
import { type Lookup, resolveName } from './resolver.js';

/** What a {@link NameCache} needs. */
export interface NameCacheOptions {
  lookup: Lookup;
  clock: Clock;
  limits: { maxCachedNames: number; nameCacheMs: number; maxNameLookups: number };
}

interface Cached {
  readonly addresses: Address[] | Promise<Address[]>;
  /** Infinity while the name is being resolved. */
  until: number;
}

/**
 * The addresses of names that datagrams are sent to, so that not every datagram asks the resolver. The system's resolver
 * tells no life time, so they are believed for a fixed time.
 */
export class NameCache {
  readonly #options: NameCacheOptions;
  /** The one used longest ago first. */
  readonly #names = new Map<string, Cached>();
  #lookups = 0;

  constructor(options: NameCacheOptions) {
    this.#options = options;
  }

  /** Names inside. */
  get size(): number {
    return this.#names.size;
  }

  /**
   * The addresses of a name, at least one, at once where they are known.
   * @throws NodeError `QUEUE_FULL` when too many are being resolved; the promise rejects with `DIAL_NAME_*`.
   */
  resolve(name: string): Address[] | Promise<Address[]> {
    const known = this.#names.get(name);
    if (known !== undefined && known.until > this.#options.clock.now()) {
      this.#names.delete(name);
      this.#names.set(name, known);
      return known.addresses;
    }
    const { maxNameLookups, maxCachedNames } = this.#options.limits;
    if (this.#lookups >= maxNameLookups)
      throw new NodeError('QUEUE_FULL', `more than ${maxNameLookups} names are being resolved`);
    const addresses = this.#lookUp(name);
    this.#names.delete(name);
    this.#names.set(name, { addresses, until: Infinity });
    if (this.#names.size > maxCachedNames) {
      const [oldest] = this.#names.keys();
      this.#names.delete(oldest!);
    }
    return addresses;
  }

  async #lookUp(name: string): Promise<Address[]> {
    const { lookup, clock, limits } = this.#options;
    this.#lookups++;
    try {
      const addresses = await resolveName(name, lookup);
      this.#names.delete(name);
      this.#names.set(name, { addresses, until: clock.now() + limits.nameCacheMs });
      return addresses;
    } catch (error) {
      this.#names.delete(name);
      throw error;
    } finally {
      this.#lookups--;
    }
  }
}
