import type { Earliest } from './earliest.js';

/** A challenge is sent so often before the address is given up. */
const MAX_CHALLENGES = 4;

/** An address that the peer may have moved to. One at a time: whoever moves twice is looked at again with the next packet. */
export class PathValidation {
  readonly #random: (bytes: number) => Uint8Array;
  #candidate: { readonly address: string; readonly data: Uint8Array; sendings: number; dueAt: number } | undefined;

  /** @param random Gives that many random bytes. */
  constructor(random: (bytes: number) => Uint8Array) {
    this.#random = random;
  }

  /** An authentic packet, newer than all before, came from an address that is not the peer's. */
  seen(address: string, now: number): void {
    if (this.#candidate !== undefined) return;
    this.#candidate = { address, data: this.#random(8), sendings: 0, dueAt: now };
  }

  /** A newer packet came from the known address: the other was an old packet or a forger's copy. */
  forget(): void {
    this.#candidate = undefined;
  }

  /** The challenge that is to be sent now; it counts as sent. */
  take(waitMs: number, now: number): { address: string; data: Uint8Array } | undefined {
    const candidate = this.#candidate;
    if (candidate === undefined || candidate.dueAt > now) return undefined;
    if (candidate.sendings >= MAX_CHALLENGES) {
      this.#candidate = undefined;
      return undefined;
    }
    candidate.sendings++;
    candidate.dueAt = now + waitMs;
    return candidate;
  }

  /** Whether an address is looked at. */
  get isPending(): boolean {
    return this.#candidate !== undefined;
  }

  /** Adds when a challenge is due. */
  addTime(earliest: Earliest): void {
    if (this.#candidate !== undefined) earliest.add(this.#candidate.dueAt);
  }

  /** A response came from an address; true when it proves that the peer is there. */
  answered(address: string, data: Uint8Array): boolean {
    const candidate = this.#candidate;
    if (candidate?.address !== address || candidate.data.some((byte, i) => byte !== data[i])) return false;
    this.#candidate = undefined;
    return true;
  }
}
