import type { PacketGroup } from './crypto.js';
import { HEADER_BYTES, isSealedPacket, phaseFits, readNumber } from './header.js';
import type { KeySchedule } from './key-schedule.js';
import type { ReplayWindow } from './replay-window.js';
import type { SessionStats } from './stats.js';
import { GROUP_PACKETS } from './transmit-group.js';

/** Datagrams as they were received: each at its offset in one slab. They are opened in place. */
export interface Received {
  readonly slab: Uint8Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly count: number;
  /** The first of the `count` datagrams. Default 0. */
  readonly first?: number | undefined;
}

/** Is given each authentic packet that was not there before: what is sealed stands from `at` up to `end`. */
export type Opened = (number: number, slab: Uint8Array, at: number, end: number, datagramBytes: number) => void;

/** Opens received datagrams in groups: first looked up, then authenticated, and only then noted. */
export class Opener {
  readonly #keys: KeySchedule;
  readonly #window: ReplayWindow;
  readonly #localId: number;
  readonly #stats: SessionStats;
  /** Used again for each group. */
  readonly #group: PacketGroup & { slab: Uint8Array } = {
    slab: new Uint8Array(0),
    offsets: new Uint32Array(GROUP_PACKETS),
    lengths: new Uint32Array(GROUP_PACKETS),
    numbers: new Uint32Array(2 * GROUP_PACKETS),
    authentic: new Uint8Array(GROUP_PACKETS),
  };
  readonly #sizes = new Uint32Array(GROUP_PACKETS);
  readonly #fullNumbers = new Float64Array(GROUP_PACKETS);
  readonly #phases = new Float64Array(GROUP_PACKETS);

  constructor(keys: KeySchedule, window: ReplayWindow, localId: number, stats: SessionStats) {
    this.#keys = keys;
    this.#window = window;
    this.#localId = localId;
    this.#stats = stats;
  }

  /** Opens datagrams and hands the good ones on. */
  open(received: Received, opened: Opened): void {
    let next = received.first ?? 0;
    const end = next + received.count;
    while (next < end) {
      let count = 0;
      for (; next < end && count < GROUP_PACKETS; next++) {
        if (this.#consider(received, next, count)) count++;
      }
      if (count > 0) this.#openGroup(received.slab, count, opened);
    }
  }

  /** Whether a datagram is worth opening; then it is put at `place` of the group. */
  #consider({ slab, offsets, lengths }: Received, index: number, place: number): boolean {
    const at = offsets[index]!;
    const length = lengths[index]!;
    if (at + length > slab.length || !isSealedPacket(slab, at, length, this.#localId)) {
      this.#stats.packetsForeign++;
      return false;
    }
    const number = readNumber(slab, at, this.#window.largest);
    const phase = this.#keys.phaseOf(number);
    if (!phaseFits(slab, at, phase) || this.#keys.key(phase) === undefined) {
      this.#stats.packetsNotAuthentic++;
      return false;
    }
    if (this.#window.look(number) !== 'fresh') {
      this.#stats.packetsReplayed++;
      return false;
    }
    const group = this.#group;
    group.offsets[place] = at;
    group.lengths[place] = length;
    this.#sizes[place] = length;
    group.numbers[2 * place] = number;
    group.numbers[2 * place + 1] = Math.floor(number / 2 ** 32);
    this.#fullNumbers[place] = number;
    this.#phases[place] = phase;
    return true;
  }

  #openGroup(slab: Uint8Array, count: number, opened: Opened): void {
    const group = this.#group;
    group.slab = slab;
    for (let from = 0; from < count;) {
      const phase = this.#phases[from]!;
      let to = from + 1;
      while (to < count && this.#phases[to] === phase) to++;
      this.#keys.key(phase)!.open(group, from, to);
      from = to;
    }
    for (let i = 0; i < count; i++) {
      const number = this.#fullNumbers[i]!;
      if (group.authentic[i] === 0) this.#stats.packetsNotAuthentic++;
      else if (this.#window.look(number) !== 'fresh') this.#stats.packetsReplayed++;
      else {
        this.#keys.use(this.#phases[i]!);
        const at = group.offsets[i]!;
        opened(number, slab, at + HEADER_BYTES, at + group.lengths[i]!, this.#sizes[i]!);
      }
    }
  }
}
