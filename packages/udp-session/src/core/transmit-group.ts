import { writeU16, writeU32 } from './bytes.js';
import type { PacketGroup } from './crypto.js';
import { HEADER_BYTES, TAG_BYTES, writeHeader } from './header.js';
import { ITEM, ITEM_BYTES, TIME_BYTES } from './items.js';
import type { KeySchedule } from './key-schedule.js';
import { toUs } from './arrivals.js';
import type { SendFrame } from './frame-queue.js';
import { ViewCache } from './view-cache.js';

/** Most packets that are built, sealed and sent together. */
export const GROUP_PACKETS = 64;

/** Packets that are built in one slab and sealed together. */
export class TransmitGroup implements PacketGroup {
  readonly slab: Uint8Array;
  readonly offsets: Uint32Array = new Uint32Array(GROUP_PACKETS);
  readonly lengths: Uint32Array = new Uint32Array(GROUP_PACKETS);
  readonly numbers: Uint32Array = new Uint32Array(2 * GROUP_PACKETS);
  readonly authentic: Uint8Array = new Uint8Array(GROUP_PACKETS);
  readonly #keys: KeySchedule;
  readonly #views = new ViewCache();
  readonly #phases = new Float64Array(GROUP_PACKETS);
  count = 0;
  /** Where the open packet goes on, and where it has to end so that the tag fits. */
  at = 0;
  #end = 0;
  #timeUs = 0;

  constructor(maxPacketBytes: number, keys: KeySchedule) {
    // One packet is no multiple of a cache line behind the other, so that they do not fall on each other's lines.
    const stride = Math.ceil(maxPacketBytes / 64) * 64 + 64;
    this.slab = new Uint8Array(GROUP_PACKETS * stride);
    for (let i = 0; i < GROUP_PACKETS; i++) this.offsets[i] = i * stride;
    this.#keys = keys;
  }

  get full(): boolean {
    return this.count === GROUP_PACKETS;
  }

  /** Bytes that still fit into the open packet. */
  get room(): number {
    return this.#end - this.at;
  }

  /** Whether anything stands in the open packet. */
  get empty(): boolean {
    return this.at === this.offsets[this.count]! + HEADER_BYTES + TIME_BYTES;
  }

  /** Begins a group of packets that leave at one time. */
  start(now: number): void {
    this.count = 0;
    this.#timeUs = toUs(now);
  }

  /** Opens packet `number`, of at most `maxBytes`. */
  begin(number: number, connectionId: number, maxBytes: number): void {
    const at = this.offsets[this.count]!;
    const phase = this.#keys.phaseOf(number);
    writeHeader(this.slab, at, connectionId, number, phase);
    writeU32(this.slab, at + HEADER_BYTES, this.#timeUs);
    this.#phases[this.count] = phase;
    this.numbers[2 * this.count] = number;
    this.numbers[2 * this.count + 1] = Math.floor(number / 2 ** 32);
    this.at = at + HEADER_BYTES + TIME_BYTES;
    this.#end = at + maxBytes - TAG_BYTES;
  }

  /** Ends the open packet and returns how long it will be once sealed. */
  end(): number {
    const bytes = this.at - this.offsets[this.count]!;
    this.lengths[this.count++] = bytes;
    return bytes + TAG_BYTES;
  }

  /** Fills the open packet up with padding. */
  pad(): void {
    this.slab.fill(ITEM.padding, this.at, this.#end);
    this.at = this.#end;
  }

  /** Writes a shard of a frame, the last item of the packet; the caller knows that it fits. */
  shard(frame: SendFrame, shard: number): void {
    const { slab } = this;
    const { bytes, shardBytes, blocks, depth, parity } = frame.layout.shape;
    const at = this.at;
    slab[at] = ITEM.shard;
    writeU32(slab, at + 1, frame.index);
    writeU32(slab, at + 5, bytes);
    writeU16(slab, at + 9, shard);
    slab[at + 11] = blocks;
    slab[at + 12] = depth;
    slab[at + 13] = parity;
    slab[at + 14] = 0;
    writeU16(slab, at + 15, frame.deadlineMs);
    const from = shard * shardBytes;
    slab.set(this.#views.view(frame.slab, from, shardBytes), at + ITEM_BYTES.shard);
    this.at = at + ITEM_BYTES.shard + shardBytes;
  }

  /** Writes an item of an id, a length and bytes. `mark` is set in the length. */
  message(type: number, id: number, bytes: Uint8Array, mark = 0): void {
    this.slab[this.at] = type;
    writeU32(this.slab, this.at + 1, id);
    writeU16(this.slab, this.at + 5, bytes.length | mark);
    this.slab.set(bytes, this.at + 7);
    this.at += 7 + bytes.length;
  }

  /** Seals all packets, one call for each key that they need. */
  seal(): void {
    for (let from = 0; from < this.count;) {
      const phase = this.#phases[from]!;
      let to = from + 1;
      while (to < this.count && this.#phases[to] === phase) to++;
      this.#keys.use(phase);
      this.#keys.key(phase)!.seal(this, from, to);
      from = to;
    }
  }
}
