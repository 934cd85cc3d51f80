import { copied } from './bytes.js';
import type { ItemHandler } from './item-reader.js';
import type { Role } from './options.js';
import type { ReceiveSide } from './receive-side.js';
import type { SendSide } from './send-side.js';
import type { SessionEvent } from './session-types.js';
import type { SessionStats } from './stats.js';

/** So many events for the application wait at most, and one window more; what comes then is not taken. */
const MAX_WAITING = 4096;

/** Who gets what stands in packets. */
export interface DispatchParts {
  readonly send: SendSide;
  readonly receive: ReceiveSide;
  readonly stats: SessionStats;
  readonly role: Role | undefined;
  /** What the application is told next. */
  readonly events: SessionEvent[];
  readonly onPathChallenge: (data: Uint8Array) => void;
  readonly onPathResponse: (data: Uint8Array) => void;
  readonly onClose: (code: number) => void;
}

/** Hands each item of a packet to the part of the session that it is for. */
export function createDispatch(parts: DispatchParts): ItemHandler {
  const { send, receive, stats, events, role } = parts;
  const isFull = (): boolean => events.length >= MAX_WAITING;
  return {
    onShard: (slab, at, end, now) => receive.shard(slab, at, end, now),
    onEvent: (id, bytes, isInput, now) => {
      if (isInput && role !== 'host') return false;
      // An application that does not poll makes the peer send again, and wait.
      if (isFull()) return true;
      return receive.event(id, bytes, isInput, now, (event) => {
        stats.eventsReceived++;
        events.push({ type: event.isInput ? 'input' : 'event', data: event.bytes });
      });
    },
    onEventAck: (next, bits, now) => send.events.acknowledge(next, bits, now),
    onDatagram: (id, bytes) => {
      if (!receive.isNewDatagram(id) || isFull()) return true;
      stats.datagramsReceived++;
      events.push({ type: 'datagram', data: copied(bytes) });
      return true;
    },
    onReport: (report, now) => send.onReport(report, now),
    onWant: (frame, shards, now) => {
      send.tail.wanted(frame);
      send.frames.want(frame, shards, send.roundTrip.smoothedMs / 2, now);
      return true;
    },
    onPathChallenge: (data) => {
      parts.onPathChallenge(data);
      return true;
    },
    onPathResponse: (data) => {
      parts.onPathResponse(data);
      return true;
    },
    onMtuProbe: (bytes) => {
      receive.mtuProbe(bytes);
      return true;
    },
    onMtuAck: (bytes) => {
      send.mtu.acknowledged(bytes);
      return true;
    },
    onClose: (code) => {
      parts.onClose(code);
      return true;
    },
  };
}
