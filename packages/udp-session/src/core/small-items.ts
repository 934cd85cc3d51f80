import { writeU16, writeU32 } from './bytes.js';
import { INPUT_EVENT, ITEM, ITEM_BYTES } from './items.js';
import type { Pings } from './pings.js';
import type { ReceiveSide } from './receive-side.js';
import { writeReport } from './report.js';
import type { SendSide } from './send-side.js';
import type { SessionStats } from './stats.js';
import type { TransmitGroup } from './transmit-group.js';

/** Writes all that is small into packets: reports, acks, wants, pings, events, datagrams. */
export class SmallItems {
  readonly #group: TransmitGroup;
  readonly #send: SendSide;
  readonly #receive: ReceiveSide;
  readonly #pings: Pings;
  readonly #stats: SessionStats;

  constructor(group: TransmitGroup, send: SendSide, receive: ReceiveSide, pings: Pings, stats: SessionStats) {
    this.#group = group;
    this.#send = send;
    this.#receive = receive;
    this.#pings = pings;
    this.#stats = stats;
  }

  /** Whether there is anything to write now. */
  isDue(now: number): boolean {
    const { reportAt, ackAt, wants, mtuAcks } = this.#receive;
    if (wants.length > 0 || mtuAcks.length > 0) return true;
    if ((ackAt !== undefined && ackAt <= now) || (reportAt !== undefined && reportAt <= now)) return true;
    return this.#pings.isDue(now) || this.#send.events.isDue(now) || this.#send.datagrams.isDue(now);
  }

  /** Writes what is due into the open packet; true when something of it wants an answer. */
  write(now: number): boolean {
    const group = this.#group;
    const receive = this.#receive;
    if (receive.reportAt !== undefined && receive.reportAt <= now) {
      group.at = writeReport(group.slab, group.at, receive.takeReport(now));
    }
    if (receive.ackAt !== undefined && (receive.ackAt <= now || !group.empty)) this.#eventAck();
    let eliciting = this.#wants();
    for (let bytes = receive.mtuAcks.pop(); bytes !== undefined; bytes = receive.mtuAcks.pop()) {
      group.slab[group.at] = ITEM.mtuAck;
      writeU16(group.slab, group.at + 1, bytes);
      group.at += ITEM_BYTES.mtuAck;
    }
    if (this.#pings.isDue(now)) {
      this.#pings.pinged(now);
      group.slab[group.at++] = ITEM.ping;
      eliciting = true;
    }
    if (!this.#send.pacer.mayBorrow) return eliciting;
    const events = this.#events(now);
    const datagrams = this.#datagrams(now);
    return eliciting || events || datagrams;
  }

  #eventAck(): void {
    const { slab, at } = this.#group;
    const { events } = this.#receive;
    this.#receive.ackAt = undefined;
    slab[at] = ITEM.eventAck;
    writeU32(slab, at + 1, events.next);
    writeU32(slab, at + 5, events.bits);
    this.#group.at += ITEM_BYTES.eventAck;
  }

  #wants(): boolean {
    const { slab } = this.#group;
    const { wants } = this.#receive;
    let wrote = false;
    for (let want = wants[0]; want !== undefined; want = wants[0]) {
      const bytes = ITEM_BYTES.want + 2 * want.shards.length;
      if (this.#group.room < bytes) break;
      wants.shift();
      const at = this.#group.at;
      slab[at] = ITEM.want;
      writeU32(slab, at + 1, want.frame);
      slab[at + 5] = want.shards.length;
      for (const [i, shard] of want.shards.entries()) writeU16(slab, at + ITEM_BYTES.want + 2 * i, shard);
      this.#group.at += bytes;
      wrote = true;
    }
    return wrote;
  }

  #events(now: number): boolean {
    const { events, copies } = this.#send;
    let wrote = false;
    for (;;) {
      const event = events.take(now, this.#group.room - ITEM_BYTES.event, copies);
      if (event === undefined) return wrote;
      this.#group.message(ITEM.event, event.id, event.bytes, event.isInput ? INPUT_EVENT : 0);
      if (event.sendings > 1) this.#stats.repairBytesSent += event.bytes.length + ITEM_BYTES.event;
      wrote = true;
    }
  }

  #datagrams(now: number): boolean {
    const { datagrams, copies, maxDatagramBytes } = this.#send;
    datagrams.dropLarger(maxDatagramBytes);
    let wrote = false;
    for (;;) {
      const datagram = datagrams.take(now, this.#group.room - ITEM_BYTES.datagram, copies);
      if (datagram === undefined) return wrote;
      this.#group.message(ITEM.datagram, datagram.id, datagram.bytes);
      if (datagram.isCopy) this.#stats.repairBytesSent += datagram.bytes.length + ITEM_BYTES.datagram;
      wrote = true;
    }
  }
}
