import { sameBytes, type PacketValue } from './packet.js';

/** Bytes of a node instance and of the association's generation behind it. */
export const NODE_ID_BYTES = 8;
export const EPOCH_BYTES = 12;
/** Epochs of the past that a client remembers. */
const MAX_PAST = 16;
/** Top bit of the generation: requests without an epoch are not executed. */
const NAMED_ONLY = 0x80;

/**
 * The epoch of an association: the node's instance, then a generation that no other association of this instance ever
 * had. `namedOnly`: the client was known before, so that requests without an epoch may be from before and are not executed.
 */
export function makeEpoch(nodeId: Uint8Array, generation: number, namedOnly: boolean): Uint8Array {
  const epoch = new Uint8Array(EPOCH_BYTES);
  epoch.set(nodeId.subarray(0, NODE_ID_BYTES));
  for (let index = 0; index < 4; index++) epoch[EPOCH_BYTES - 1 - index] = Math.floor(generation / 256 ** index) & 0xff;
  epoch[NODE_ID_BYTES] = (epoch[NODE_ID_BYTES]! & ~NAMED_ONLY) | (namedOnly ? NAMED_ONLY : 0);
  return epoch;
}

/** Requests without an epoch are not executed by an association of this epoch. */
export function isNamedOnly(epoch: Uint8Array): boolean {
  return epoch.length === EPOCH_BYTES && (epoch[NODE_ID_BYTES]! & NAMED_ONLY) !== 0;
}

/**
 * `same`: take the packet. `adopt`: the first epoch seen; take it. `switch`: the node is a new instance, or has
 * forgotten this client; nothing named before will be executed. `foreign`: this path leads to another node. `ignore`: late.
 */
export type Verdict = 'same' | 'adopt' | 'switch' | 'foreign' | 'ignore';

/** Which node instance a client talks to, and whether an epoch that it sees is news, old, or of another node. */
export class EpochTracker {
  #current: Uint8Array | undefined;
  /** Own packets from this number on name the current epoch. */
  #namedFrom = Number.POSITIVE_INFINITY;
  readonly #past: Uint8Array[] = [];

  get current(): Uint8Array | undefined {
    return this.#current;
  }

  /**
   * Judges the epoch of a packet that answers number `answers`, if any; `next`: the number of the next packet sent.
   * `othersAgree`: the path never showed the current epoch, while another one, still in use, did. Only an answer to
   * a packet that named the current epoch can end it: late ones never do.
   */
  judge(packet: Pick<PacketValue, 'epoch' | 'answers'>, next: number, othersAgree: boolean): Verdict {
    const { epoch, answers } = packet;
    if (epoch === undefined) return 'ignore';
    if (this.#current === undefined) {
      this.#become(epoch, next);
      return isNamedOnly(epoch) ? 'switch' : 'adopt';
    }
    if (sameBytes(epoch, this.#current)) return 'same';
    if (answers === undefined || answers < this.#namedFrom || answers >= next) return 'ignore';
    if (othersAgree || this.#past.some((past) => sameBytes(past, epoch))) return 'foreign';
    this.#past.push(this.#current);
    if (this.#past.length > MAX_PAST) this.#past.shift();
    this.#become(epoch, next);
    return 'switch';
  }

  #become(epoch: Uint8Array, next: number): void {
    this.#current = epoch.slice();
    this.#namedFrom = next;
  }
}
