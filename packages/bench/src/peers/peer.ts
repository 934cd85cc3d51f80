import type { Entry } from '../check/open-through.js';

/** A program of a peer: `server` runs beside the target, `client` beside the application. */
export type PeerSide = 'server' | 'client';

/** What a peer is started with. */
export interface PeerContext {
  /** Where the target is, as the server sees it. */
  readonly target: { host: string; port: number };
  /** Address that servers listen on. */
  readonly serverHost: string;
  /** An empty folder of its own, for keys and configuration. */
  readonly folder: string;
  /** Starts one of its programs, which ends with the benchmark. */
  readonly run: (side: PeerSide, path: string, args: string[], env?: Record<string, string>) => Promise<void>;
  /** A port that is free now. */
  readonly freePort: () => Promise<number>;
  /** Where a client has to connect to so that it reaches `server` over the link that the command asked for. */
  readonly throughLink: (server: { host: string; port: number }) => Promise<{ host: string; port: number }>;
  /** Resolves once a program listens on a port: a server on `serverHost`, a client on loopback. */
  readonly listening: (side: PeerSide, port: number) => Promise<void>;
}

/** A tunnel beside ours. */
export interface Peer {
  readonly name: string;
  /** Programs that it needs, found on PATH (npm puts its own there) or in the folders of system programs. */
  readonly programs: readonly string[];
  /** The command that installs it. */
  readonly install: string;
  readonly about: string;
  /** Starts it on loopback; gives how applications enter it. */
  start(context: PeerContext, paths: Readonly<Record<string, string>>): Promise<Entry>;
}

/** An entry that leads to the target. */
export const forwardAt = (port: number, host = '127.0.0.1'): Entry => ({ kind: 'forward', host, port });

/** An entry where the target is asked for by SOCKS5. */
export const socksAt = (port: number): Entry => ({ kind: 'socks5', host: '127.0.0.1', port });
