import type { ErrorCode } from '@millrace/protocol';

import type { Fec } from '../fec/index.js';
import type { SessionCrypto } from './crypto.js';
import type { FrameEvent } from './whole-frame.js';
import type { Received } from './receiver.js';

/** What happened. */
export type SessionEvent =
  | FrameEvent
  | { type: 'event'; data: Uint8Array }
  /** An event that a client sent as its input; only a host gets it. */
  | { type: 'input'; data: Uint8Array }
  | { type: 'datagram'; data: Uint8Array }
  /** The peer proved that it is at another address now. */
  | { type: 'path'; address: string }
  /** There is room again, after a call was refused with SESSION_BUSY. */
  | { type: 'writable' }
  | { type: 'closed'; code: ErrorCode; peerCode?: number };

/** Packets to be sent to one address: each at its offset in `slab`. Valid until the next `pollTransmit`. */
export interface Transmit extends Received {
  readonly to: string;
}

/** What a session takes from outside. */
export interface SessionEnvironment {
  readonly crypto: SessionCrypto;
  readonly fec: Fec;
  /** Random bytes that nobody can guess. */
  readonly random: (bytes: number) => Uint8Array;
}
