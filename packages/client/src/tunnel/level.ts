/** What a level of the wire does for a tunnel. The rest of the client knows a level by this interface only. */
import type { Relay } from '../carriers/relay.js';
import type { Channel } from './channel.js';
import type { OpenRecord } from './open-record.js';
import type { Datagram, ProbeResult } from './types.js';

export interface Level {
  /** Opens a stream. The channel hears of success (`markOpened`) or failure (`fail`). */
  openStream(request: StreamRequest): void;
  /** Opens flows, with their first datagram: one for each target of an association, or one for all of them. */
  readonly flows: FlowOpener;
  /** Asks the nodes behind all relays who they are. */
  probe(signal: AbortSignal | undefined): Promise<ProbeResult[]>;
  /** A picture of the present. */
  stats(): LevelStats;
  /** The level at which streams are opened over a relay; undefined while that is not known. */
  levelOf(relay: Relay): 1 | 2 | undefined;
  /** Ends what is under way; tells the node, for a short time, about streams that end. Resolves when nothing runs any more. */
  close(): Promise<void>;
}

/** A picture of a level. */
export interface LevelStats {
  /** Operations, or opens, that wait for a relay. */
  waiting: number;
  /** Bytes held for applications that have not read them, beside what channels hold. */
  receivedBytes: number;
  /** The same of what applications have written. */
  unsentBytes: number;
  /** Memory that the level answers for, and the most that this can be with as many streams; absent where nobody counts. */
  memory?: { heldBytes: number; boundBytes: number };
}

/** How a level opens flows. */
export type FlowOpener =
  | { readonly shared: false; readonly open: (request: FlowRequest) => Flow }
  | { readonly shared: true; readonly open: (request: SharedFlowRequest) => SharedFlow };

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

/** A flow for any number of targets. `host` and `port` are those of its first datagram. */
export interface SharedFlowRequest extends Omit<FlowRequest, 'onDatagrams'> {
  /** Datagrams came, each with where it came from. */
  readonly onDatagrams: (datagrams: Datagram[]) => void;
}

/** An open, or opening, flow for any number of targets. */
export interface SharedFlow {
  /** Queues a datagram; a full queue drops its oldest. The bytes are not copied. */
  send(datagram: Datagram): void;
  close(): void;
}
