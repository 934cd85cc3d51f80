/** What a level of the wire does for a tunnel. The rest of the client knows a level by this interface only. */
import type { Channel } from './channel.js';
import type { OpenRecord } from './open-record.js';
import type { ProbeResult } from './types.js';

export interface Level {
  /** Opens a stream. The channel hears of success (`markOpened`) or failure (`fail`). */
  openStream(request: StreamRequest): void;
  /** Opens a flow with its first datagram. */
  openFlow(request: FlowRequest): Flow;
  /** Asks the nodes behind all relays who they are. */
  probe(signal: AbortSignal | undefined): Promise<ProbeResult[]>;
  /** Operations that wait for a relay. */
  readonly waiting: number;
  /** Ends what is under way; tells the node, for a short time, about streams that end. Resolves when nothing runs any more. */
  close(): Promise<void>;
}

/** What to open. */
export interface StreamRequest {
  readonly host: string;
  readonly port: number;
  readonly channel: Channel;
  readonly record: OpenRecord;
}

/** A flow to open: one target of a UDP association. */
export interface FlowRequest {
  readonly host: string;
  readonly port: number;
  readonly record: OpenRecord;
  /** Datagrams came. */
  readonly onDatagrams: (datagrams: Uint8Array[]) => void;
  /** Datagrams were dropped because a queue was full. */
  readonly onDropped: (count: number) => void;
  /** The flow is over: it failed, or was idle for too long. The next datagram opens another. */
  readonly onOver: () => void;
}

/** An open, or opening, flow. */
export interface Flow {
  /** Queues a datagram; a full queue drops its oldest. The bytes are not copied. */
  send(data: Uint8Array): void;
  /** When it last carried a datagram, on the clock of `performance.now()`. */
  readonly usedAt: number;
  close(): void;
}
