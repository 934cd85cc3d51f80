import { formatHostPort } from '@millrace/protocol';

import type { Received } from '../core/index.js';

/** How packets reach the system: see docs/UDP.md. */
export type Tier = 'gso' | 'mmsg' | 'dgram';

/** Where packets come from and go to: a numeric address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A UDP socket that sends and receives groups of packets. */
export interface PacketSocket {
  readonly tier: Tier;
  readonly local: Endpoint;
  /** Packets that the system dropped because they came faster than they were taken; 0 where it does not tell. */
  readonly overrun: number;
  /** Whether the system takes no more for now: what is sent all the same may be refused. `onWritable` tells the end of it. */
  readonly blocked: boolean;
  /** Sends what can be sent now, and returns how many packets the system did not take. The slab may be reused afterwards. */
  send(packets: Received, to: Endpoint): number;
  close(): Promise<void>;
}

/** What a socket tells whoever opened it. */
export interface SocketEvents {
  /** Packets of one sender; they may be changed in place, and are overwritten by the next ones. */
  readonly onPackets: (packets: Received, from: Endpoint) => void;
  /** The system takes packets again. */
  readonly onWritable: () => void;
}

/** An endpoint as one text, by which it is told from others. */
export function nameOf({ address, port }: Endpoint): string {
  return formatHostPort(address, port);
}
