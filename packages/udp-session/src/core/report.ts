import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from './bytes.js';
import { ITEM, ITEM_BYTES } from './items.js';

/** What a receiver tells the sender, each 20 to 50 ms while packets arrive. Counts are since the start unless said. */
export interface Report {
  /** The largest packet number that arrived. */
  largest: number;
  /** The time in the packet that arrived last, µs on the clock of who gets the report. */
  echoUs: number;
  /** How long ago it arrived, µs. */
  heldUs: number;
  received: number;
  receivedBytes: number;
  /** Packets that did not arrive, and are given up. */
  lost: number;
  /** Packets that arrived after they were given up; they are not in `lost` any more. */
  late: number;
  /** Runs of packets lost in a row. */
  bursts: number;
  /** The longest run since the last report. */
  longestBurst: number;
  /** How far behind the largest number a packet arrived, since the last report. */
  reorderDepth: number;
  /** Bytes per ms, since the last report. */
  rate: number;
  /** How long packets took since the last report, above the least of the last seconds: the queue on the way. µs. */
  queueUs: number;
  /** How much that changed since the report before, µs; negative while the queue drains. */
  trendUs: number;
  /** The largest packet since the last report. */
  largestBytes: number;
}

/** Writes a report, its type included, and returns where it ends. */
export function writeReport(slab: Uint8Array, at: number, report: Report): number {
  slab[at] = ITEM.report;
  writeU48(slab, at + 1, report.largest);
  writeU32(slab, at + 7, report.echoUs);
  writeU32(slab, at + 11, clamp32(report.heldUs));
  writeU48(slab, at + 15, report.received);
  writeU48(slab, at + 21, report.receivedBytes);
  writeU48(slab, at + 27, report.lost);
  writeU32(slab, at + 33, clamp32(report.late));
  writeU32(slab, at + 37, clamp32(report.bursts));
  writeU16(slab, at + 41, Math.min(0xffff, report.longestBurst));
  writeU16(slab, at + 43, Math.min(0xffff, report.reorderDepth));
  writeU32(slab, at + 45, clamp32(report.rate));
  writeU32(slab, at + 49, clamp32(report.queueUs));
  writeU32(slab, at + 53, Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(report.trendUs))) >>> 0);
  writeU16(slab, at + 57, Math.min(0xffff, report.largestBytes));
  return at + ITEM_BYTES.report;
}

/** Reads a report of whose full length the caller is sure. */
export function readReport(slab: Uint8Array, at: number): Report {
  return {
    largest: readU48(slab, at + 1),
    echoUs: readU32(slab, at + 7),
    heldUs: readU32(slab, at + 11),
    received: readU48(slab, at + 15),
    receivedBytes: readU48(slab, at + 21),
    lost: readU48(slab, at + 27),
    late: readU32(slab, at + 33),
    bursts: readU32(slab, at + 37),
    longestBurst: readU16(slab, at + 41),
    reorderDepth: readU16(slab, at + 43),
    rate: readU32(slab, at + 45),
    queueUs: readU32(slab, at + 49),
    trendUs: readU32(slab, at + 53) | 0,
    largestBytes: readU16(slab, at + 57),
  };
}

function clamp32(value: number): number {
  return Math.max(0, Math.min(0xffff_ffff, Math.round(value)));
}
