import type { Socket } from 'node:net';
import type { RemoteInfo } from 'node:dgram';

/** What a TCP target does with each connection. Patterns begin at position 0 on every connection. */
export type TcpTargetOptions =
  /** Sends back what it gets; ends its side after the client has. */
  | { kind: 'echo' }
  /** Sends `bytes` bytes of the pattern, then ends its side or stays open. What it gets is read and dropped. */
  | { kind: 'source'; bytes: number; seed: number; end?: 'half-close' | 'keep-open' }
  /**
   * Checks the pattern. After the client's half-close, or after `bytes` bytes where given, answers one line
   * `COUNT SHA256HEX\n` and ends its side. A wrong byte resets the connection and rejects `result`.
   */
  | { kind: 'sink'; seed: number; bytes?: number }
  /** Sends `bytes` bytes of the pattern (none by default), ends its side first, and still reads until the client ends. */
  | { kind: 'half-close-first'; bytes?: number; seed?: number; expectSeed?: number }
  /** Sends `sendBytes` bytes of the pattern, waits until `afterBytes` have come in, then resets. Both are 0 by default. */
  | { kind: 'reset'; sendBytes?: number; afterBytes?: number; seed?: number }
  /** Speaks first: sends `greeting`, then is an echo. */
  | { kind: 'greeter'; greeting: string | Uint8Array }
  /** Accepts, and never reads nor writes. */
  | { kind: 'silent' }
  /** Does nothing of itself: the test drives `connection.socket`. */
  | { kind: 'manual' };

/** A listening socket whose backlog is full: a connection to it is never refused and never made. Linux. */
export interface UnacceptingTargetOptions {
  kind: 'unaccepting';
}

/** Sends every datagram back to its sender. */
export interface UdpEchoTargetOptions {
  kind: 'udp-echo';
}

/**
 * Answers DNS queries over UDP from a table, unknown names with NXDOMAIN. Values are IPv4 or IPv6 addresses; anything
 * else is served as TXT.
 */
export interface DnsTargetOptions {
  kind: 'dns';
  records: Readonly<Record<string, readonly string[]>>;
}

export type UdpTargetOptions = UdpEchoTargetOptions | DnsTargetOptions;

/** Where it listens; `127.0.0.1` by default. The port is always one that the system picks. */
interface TargetPlace {
  host?: '127.0.0.1' | '::1';
}

export type TargetOptions = (TcpTargetOptions | UnacceptingTargetOptions | UdpTargetOptions) & TargetPlace;

interface Listening {
  readonly host: string;
  readonly port: number;
  /** `HOST:PORT`, IPv6 in brackets. */
  readonly address: string;
  /** Ends it with all its connections; resolves when every socket is gone. */
  close(): Promise<void>;
}

/** A TCP target that listens on loopback. */
export interface TcpTarget extends Listening {
  /** Every connection that was made, in order. */
  readonly connections: readonly TargetConnection[];
  /** The connection with this number, from 0, now or when it comes. */
  connection(index: number): Promise<TargetConnection>;
  /** The next connection that no call of `next` has returned. */
  next(): Promise<TargetConnection>;
}

/** An `unaccepting` target. */
export type UnacceptingTarget = Listening;

/** One connection to a TCP target. No promise of it is ever an unhandled rejection. */
export interface TargetConnection {
  readonly socket: Socket;
  /** Bytes that were read. */
  readonly bytesIn: number;
  /** Resolves when that many bytes were read in all; rejects if the connection is gone before. */
  received(bytes: number): Promise<void>;
  /** Resolves when the client ended its side; rejects if the connection is gone without that. */
  readonly ended: Promise<void>;
  /** Resolves when the connection is gone: with its error, such as `ECONNRESET`, where there was one. */
  readonly closed: Promise<{ readonly code?: string }>;
  /** What came in, for `sink` and `half-close-first`; rejects if a byte was wrong or the connection was cut. Other kinds: never settles before the close. */
  readonly result: Promise<SinkResult>;
}

/** What a sink has read. */
export interface SinkResult {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** One datagram and who sent it. */
export interface ReceivedDatagram {
  readonly data: Buffer;
  readonly from: RemoteInfo;
}

/** A UDP target that listens on loopback. */
export interface UdpTarget extends Listening {
  /** Every datagram that came, in order. */
  readonly datagrams: readonly ReceivedDatagram[];
  /** The datagram with this number, from 0, now or when it comes. */
  datagram(index: number): Promise<ReceivedDatagram>;
}

/** The target that these options make. */
export type Target<O extends TargetOptions = TargetOptions> = O extends UdpTargetOptions
  ? UdpTarget
  : O extends UnacceptingTargetOptions
    ? UnacceptingTarget
    : TcpTarget;
