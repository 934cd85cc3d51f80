import { STREAM_CODES } from './codes.js';
import type { EventQueue } from './events.js';
import type { SegmentValue } from './packet.js';
import type { Stream } from './stream.js';

const NO_BYTES = new Uint8Array(0);

/**
 * Applies one segment to its stream. Everything in it is idempotent: what is known already changes nothing, what is
 * impossible resets this stream and no other.
 */
export function readSegment(stream: Stream, segment: SegmentValue, now: number, events: EventQueue): void {
  if (segment.rst !== undefined) {
    readReset(stream, segment.rst, events);
    return;
  }
  if (stream.life === 'resetting' || stream.life === 'refusing' || stream.life === 'closed') return;
  if (stream.isClient) readOpened(stream, segment, now, events);
  if (stream.life !== 'live' && stream.life !== 'lingering') return;
  const valid = readProgress(stream, segment) && readBytes(stream, segment, events);
  if (!valid) {
    events.push({ type: 'reset', sid: stream.sid, code: STREAM_CODES.invalid });
    stream.resetCode = STREAM_CODES.invalid;
    stream.step('localReset');
    return;
  }
  if (segment.datagrams !== undefined && stream.flow?.receive(segment.datagrams, now) === true) {
    events.push({ type: 'datagrams', sid: stream.sid });
  }
}

/** A reset that crosses a clean end changes nothing: the node may have forgotten a stream that is complete here. */
function readReset(stream: Stream, code: string, events: EventQueue): void {
  const complete = stream.receive.complete && stream.sendState === 'finished';
  if (stream.life === 'live' && complete) return;
  if (stream.life === 'live') {
    const failed = stream.isClient && stream.opened === undefined && stream.flow === undefined;
    events.push({ type: failed ? 'failed' : 'reset', sid: stream.sid, code });
  }
  stream.step('peerReset');
}

function readOpened(stream: Stream, segment: SegmentValue, now: number, events: EventQueue): void {
  // Whatever the node says of a stream, it has seen its open.
  stream.confirmOpen();
  if (segment.opened === undefined || stream.opened !== undefined) return;
  stream.opened = segment.opened;
  if (segment.opened.code === '') {
    stream.credit.dialed(now);
    events.push({ type: 'opened', sid: stream.sid, address: segment.opened.address });
  } else if (stream.life === 'live') {
    events.push({ type: 'failed', sid: stream.sid, code: segment.opened.code });
    stream.step('peerReset');
  }
}

/** Ack and credit: absolute, only growing, lower ones ignored. False: an ack of what was never sent. */
function readProgress(stream: Stream, segment: SegmentValue): boolean {
  if (segment.credit !== undefined && segment.credit > stream.peerLimit) {
    stream.wasHeldUp = stream.wantsRoom || stream.send.end >= stream.peerLimit;
    stream.peerLimit = segment.credit;
    stream.asked = 0;
  }
  if (segment.ack === undefined) return true;
  if (segment.ack > stream.send.acked) stream.asked = 0;
  const valid = stream.send.acknowledge(segment.ack);
  stream.room.acknowledged(stream.send.acked);
  // The reader lets no more come, perhaps for long.
  if (stream.send.acked === stream.send.sent && stream.send.blocked(stream.peerLimit)) stream.send.trim();
  stream.noteRoom();
  return valid;
}

/** Bytes, end, and the question of a blocked sender (`off` with neither). False: beyond the credit or the end. */
function readBytes(stream: Stream, segment: SegmentValue, events: EventQueue): boolean {
  if (segment.off === undefined) return true;
  if (segment.d === undefined && segment.fin !== true) {
    stream.owesAnswer = true;
    return true;
  }
  const bytes = segment.d ?? NO_BYTES;
  if (stream.flow !== undefined || segment.off + bytes.length > stream.credit.limit) return false;
  const { ack } = stream.receive;
  if (stream.receive.insert(segment.off, bytes, segment.fin === true) === 'invalid') return false;
  const { finalLength } = stream.receive;
  if (finalLength !== undefined) stream.credit.ended(finalLength);
  stream.needsAck = true;
  const news = stream.receive.ack > ack;
  if (news && !stream.toldReadable) {
    stream.toldReadable = true;
    events.push({ type: 'readable', sid: stream.sid });
  }
  return true;
}
