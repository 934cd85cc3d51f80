import { createNodeCrypto } from '../../src/node/crypto.js';
import { createFec } from '../../src/fec/index.js';
import type { Cipher } from '../../src/core/crypto.js';
import { SessionCore } from '../../src/core/session.js';
import type { SessionEnvironment, SessionEvent } from '../../src/core/session-types.js';
import type { SessionOptions } from '../../src/core/options.js';
import { Link, type LinkOptions } from './link.js';
import { Random } from './random.js';

const HOST = '192.0.2.1:4433';

type Parts = Pick<SessionEnvironment, 'crypto' | 'fec'>;

export interface PairOptions {
  seed?: number;
  cipher?: Cipher;
  /** Both directions, unless `back` is given. */
  link: LinkOptions;
  back?: LinkOptions;
  host?: SessionOptions;
  /** What computes at each end; by default what runs everywhere. */
  hostParts?: Parts;
  clientParts?: Parts;
  client?: SessionOptions;
  /** The client's clock runs this much faster, and is this far ahead. */
  clientSkew?: number;
  clientAheadMs?: number;
}

/** Host and client on a virtual clock, with a link for each direction. */
export class Pair {
  readonly random: Random;
  readonly host: SessionCore;
  readonly client: SessionCore;
  readonly toClient: Link;
  readonly toHost: Link;
  readonly hostEvents: SessionEvent[] = [];
  readonly clientEvents: SessionEvent[] = [];
  /** Is called with each event as it happens, before it is kept. */
  onEvent: ((side: 'host' | 'client', event: SessionEvent) => void) | undefined;
  clientAddress = '198.51.100.7:5000';
  now = 0;
  readonly #skew: number;
  readonly #aheadMs: number;
  readonly #at: { at: number; run: () => void }[] = [];

  constructor(options: PairOptions) {
    this.random = new Random(options.seed ?? 1);
    this.toClient = new Link({ ...options.link }, this.random);
    this.toHost = new Link({ ...(options.back ?? options.link) }, this.random);
    this.#skew = options.clientSkew ?? 0;
    this.#aheadMs = options.clientAheadMs ?? 0;
    const random = (n: number): Uint8Array => this.random.bytes(n);
    const environment = (parts?: Parts): SessionEnvironment => ({
      crypto: createNodeCrypto(),
      fec: createFec(),
      ...parts,
      random,
    });
    const [down, up] = [this.random.bytes(32), this.random.bytes(32)];
    const cipher = options.cipher ?? 'aes-128-gcm';
    this.host = new SessionCore(
      environment(options.hostParts),
      { cipher, sendSecret: down, receiveSecret: up, localId: 9, peerId: 4, role: 'host' },
      options.host ?? {},
      this.clientAddress,
      0,
    );
    this.client = new SessionCore(
      environment(options.clientParts),
      { cipher, sendSecret: up, receiveSecret: down, localId: 4, peerId: 9, role: 'client' },
      options.client ?? {},
      HOST,
      this.clientNow,
    );
  }

  /** The time on the client's own clock. */
  get clientNow(): number {
    return this.now * (1 + this.#skew) + this.#aheadMs;
  }

  /** Runs something at a time. */
  schedule(at: number, run: () => void): void {
    let place = this.#at.length;
    while (place > 0 && this.#at[place - 1]!.at > at) place--;
    this.#at.splice(place, 0, { at, run });
  }

  /** Lets time go on up to `until`. */
  run(until: number): void {
    for (let still = 0; ;) {
      this.#flush();
      const next = Math.min(this.#nextAt(), until);
      if (next <= this.now && next < until) {
        if (++still > 1000) throw new Error(`time does not go on at ${this.now}`);
      } else still = 0;
      this.now = Math.max(this.now, next);
      while (this.#at[0] !== undefined && this.#at[0].at <= this.now) this.#at.shift()!.run();
      for (const { bytes, from } of this.toClient.take(this.now))
        this.client.handleDatagram(bytes, from, this.clientNow);
      for (const { bytes, from } of this.toHost.take(this.now)) this.host.handleDatagram(bytes, from, this.now);
      this.host.handleTimeout(this.now);
      this.client.handleTimeout(this.clientNow);
      if (this.now >= until) {
        this.#flush();
        return;
      }
    }
  }

  #nextAt(): number {
    const client = this.client.pollTimeout(this.clientNow);
    return Math.min(
      this.host.pollTimeout(this.now) ?? Infinity,
      client === undefined ? Infinity : (client - this.#aheadMs) / (1 + this.#skew) + 1e-6,
      this.toClient.nextAt ?? Infinity,
      this.toHost.nextAt ?? Infinity,
      this.#at[0]?.at ?? Infinity,
    );
  }

  #flush(): void {
    this.#drain(this.host, 'host', this.hostEvents);
    this.#drain(this.client, 'client', this.clientEvents);
    for (let out = this.host.pollTransmit(this.now); out !== undefined; out = this.host.pollTransmit(this.now)) {
      for (let i = 0; i < out.count; i++) {
        const bytes = out.slab.subarray(out.offsets[i], out.offsets[i]! + out.lengths[i]!);
        // A packet to an address that the client has left reaches nobody.
        if (out.to === this.clientAddress) this.toClient.send(bytes, HOST, this.now);
      }
    }
    for (
      let out = this.client.pollTransmit(this.clientNow);
      out !== undefined;
      out = this.client.pollTransmit(this.clientNow)
    ) {
      for (let i = 0; i < out.count; i++) {
        this.toHost.send(
          out.slab.subarray(out.offsets[i], out.offsets[i]! + out.lengths[i]!),
          this.clientAddress,
          this.now,
        );
      }
    }
  }

  #drain(session: SessionCore, side: 'host' | 'client', events: SessionEvent[]): void {
    for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
      this.onEvent?.(side, event);
      events.push(event);
    }
  }
}
