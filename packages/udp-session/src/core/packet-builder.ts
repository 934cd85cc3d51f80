import { writeU16 } from './bytes.js';
import { BASE_PACKET_BYTES, ITEM, ITEM_BYTES } from './items.js';
import type { PathValidation } from './path-validation.js';
import type { Pings } from './pings.js';
import type { SendSide } from './send-side.js';
import type { SmallItems } from './small-items.js';
import type { SessionStats } from './stats.js';
import type { TransmitGroup } from './transmit-group.js';

const CLOSE_COPIES = 2;

/** What packets are built from. */
export interface BuilderParts {
  readonly group: TransmitGroup;
  readonly send: SendSide;
  readonly small: SmallItems;
  readonly pings: Pings;
  readonly paths: PathValidation;
  readonly stats: SessionStats;
  /** The connection id in packets to the peer. */
  readonly peerId: number;
}

/** Decides what stands in the packets that may leave now, and writes them into the group. */
export class PacketBuilder {
  readonly #parts: BuilderParts;
  /** The answer to a challenge, and the address that it has to go to. */
  #response: { readonly address: string; readonly data: Uint8Array } | undefined;
  #closesLeft = 0;
  #closeCode = 0;

  constructor(parts: BuilderParts) {
    this.#parts = parts;
  }

  /** The peer asks from `address` whether this end is there. */
  respond(address: string, data: Uint8Array): void {
    this.#response = { address, data };
  }

  /** From now on only goodbyes are said. */
  sayGoodbye(code: number): void {
    this.#closeCode = code;
    this.#closesLeft = CLOSE_COPIES;
  }

  /** Goodbyes that are still to be said. */
  get closesLeft(): number {
    return this.#closesLeft;
  }

  /** One packet to an address that is not, or perhaps not any more, the peer's; the address, or undefined when there is none. */
  buildElsewhere(now: number): string | undefined {
    const { group, paths, send } = this.#parts;
    const response = this.#response;
    if (response === undefined && !paths.isPending) return undefined;
    const chosen = response ?? paths.take(send.roundTrip.lateMs, now);
    if (chosen === undefined) return undefined;
    this.#response = undefined;
    this.#begin(BASE_PACKET_BYTES);
    group.slab[group.at] = response === undefined ? ITEM.pathChallenge : ITEM.pathResponse;
    group.slab.set(chosen.data, group.at + 1);
    group.at += ITEM_BYTES.pathChallenge;
    this.#finish(true, now);
    return chosen.address;
  }

  /** As many packets to the peer as may leave, up to a group. */
  build(now: number): void {
    const { group, send, small } = this.#parts;
    const { pacer, frames, mtu } = send;
    const probe = mtu.takeProbe(send.roundTrip.lateMs + 5, now);
    // Asked again only once something was written: nothing else makes small items due at one and the same time.
    let isDue = small.isDue(now);
    if (probe === undefined && !isDue && frames.next() === undefined) {
      // Most often so at an end that only receives: what a packet needs need not be found out.
      send.ranDry();
      return;
    }
    pacer.refill(send.rate, now);
    if (probe !== undefined) this.#probe(probe, now);
    let shards = false;
    while (!group.full) {
      this.#begin(mtu.bytes);
      let eliciting = false;
      if (isDue) {
        eliciting = small.write(now);
        isDue = small.isDue(now);
      }
      const shard = pacer.ready && this.#shard(now);
      if (group.empty) break;
      shards ||= shard;
      pacer.spend(this.#finish(eliciting || shard, now));
    }
    if (shards) send.tail.sent(now);
    // What is under way shows what the path bears only while more was waiting to be sent.
    if (frames.next() === undefined || send.spreads) send.ranDry();
  }

  /** The end of the session, in a packet of its own, a fixed number of times. */
  buildGoodbyes(now: number): void {
    const { group } = this.#parts;
    for (; this.#closesLeft > 0 && !group.full; this.#closesLeft--) {
      this.#begin(BASE_PACKET_BYTES);
      group.slab[group.at] = ITEM.close;
      writeU16(group.slab, group.at + 1, this.#closeCode);
      group.at += ITEM_BYTES.close;
      this.#finish(false, now);
    }
  }

  #probe(bytes: number, now: number): void {
    const { group, send } = this.#parts;
    this.#begin(bytes);
    const { slab, at } = group;
    slab[at] = ITEM.mtuProbe;
    writeU16(slab, at + 1, bytes);
    group.at += ITEM_BYTES.mtuProbe;
    group.pad();
    send.pacer.spend(this.#finish(true, now));
  }

  #begin(maxBytes: number): void {
    const { group, send, peerId } = this.#parts;
    group.begin(send.next, peerId, maxBytes);
  }

  #finish(eliciting: boolean, now: number): number {
    const { group, send, pings, stats } = this.#parts;
    const bytes = group.end();
    send.sent(bytes, eliciting, now);
    pings.said(now);
    stats.packetsSent++;
    stats.bytesSent += bytes;
    return bytes;
  }

  /** Writes the next shard into the open packet, if one may go and fits. */
  #shard(now: number): boolean {
    const { group, send, stats } = this.#parts;
    const { frames, windowOpen, maxShardBytes } = send;
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      const { shardBytes } = frame.layout.shape;
      if (frame.deadlineAt <= now || shardBytes > maxShardBytes) {
        // Too late, or cut for a path that bore larger packets: it is of no use any more.
        frames.drop(frame);
        continue;
      }
      if (!windowOpen || group.room < ITEM_BYTES.shard + shardBytes) return false;
      const again = frames.isAgain(frame);
      const shard = frames.take(frame, send.next);
      if (again) stats.shardsResent++;
      if (again || shard >= frame.layout.data) stats.repairBytesSent += shardBytes + ITEM_BYTES.shard;
      group.shard(frame, shard);
      return true;
    }
    return false;
  }
}
