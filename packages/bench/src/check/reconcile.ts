import { crc32 } from 'node:zlib';
import { patternPieces } from '@millrace/testkit';
import type { SinkReport } from './checked-sink.js';
import type { SourceReport } from './source.js';
import { findEarlyBytes } from './timeline.js';

/** Both ends of one transfer in one direction. */
export interface Transferred {
  /** Names the transfer in problems. */
  name: string;
  source?: SourceReport;
  sink?: SinkReport;
  /** Upload: the token that the target made, and what the application got as it, and when. */
  token?: { made?: string; got?: string; gotMs?: number };
}

/**
 * Compares both ends, once the clock has stopped: counts, checksum of the whole, order in time, and the token of an
 * upload. Gives what is wrong, in words; nothing when all is right.
 */
export function reconcile({ name, source, sink, token }: Transferred): string[] {
  if (!source || !sink) return [`${name}: ${source ? 'the sink' : 'the source'} never saw the stream`];
  const problems: string[] = [];
  if (sink.problem !== undefined) problems.push(sink.problem);
  if (source.bytes !== sink.bytes)
    problems.push(`the source sent ${source.bytes} bytes, the sink counted ${sink.bytes}`);
  if (sink.problem === undefined && sink.crc !== patternCrc(source.bytes, source.seed)) {
    problems.push('the checksum of the whole differs from the source');
  }
  const early = findEarlyBytes(source.timeline, sink.timeline);
  if (early !== undefined) problems.push(`bytes at offset ${early} arrived before the source had sent them`);
  if (token) {
    if (token.made === undefined) problems.push('the target never confirmed the upload');
    else if (token.got !== token.made) problems.push('the confirmation did not come from the target');
    else if ((token.gotMs ?? 0) < sink.lastMs) {
      problems.push(`confirmed ${(sink.lastMs - (token.gotMs ?? 0)).toFixed(1)} ms before the last byte had arrived`);
    }
  }
  return problems.map((problem) => `${name}: ${problem}`);
}

/**
 * Holds a counter against the sum of what single streams counted themselves, such as the bytes a relay says it carried
 * against the payload that went through it.
 */
export function reconcileCount(name: string, counted: number, single: number[], rule: 'equal' | 'at-least'): string[] {
  const sum = single.reduce((total, count) => total + count, 0);
  if (rule === 'equal' ? counted === sum : counted >= sum) return [];
  return [`${name}: counted ${counted}, the streams say ${rule === 'equal' ? '' : 'at least '}${sum}`];
}

const crcs = new Map<string, number>();

/** CRC-32 of the first `bytes` bytes of the pattern of `seed`. */
function patternCrc(bytes: number, seed: number): number {
  const key = `${seed}:${bytes}`;
  let crc = crcs.get(key);
  if (crc === undefined) {
    crc = 0;
    for (const piece of patternPieces(bytes, seed)) crc = crc32(piece, crc);
    crcs.set(key, crc);
  }
  return crc;
}
