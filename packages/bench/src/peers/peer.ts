import type { Link } from '../check/shaped-direction.js';
import type { Entry } from '../check/open-through.js';

/** What a peer is started with. */
interface PeerContext {
  /** Port of the target on loopback. */
  readonly targetPort: number;
  /** An empty folder of its own, for keys and configuration. */
  readonly folder: string;
  /** Starts one of its programs, which ends with the benchmark. */
  readonly run: (path: string, args: string[], env?: Record<string, string>) => Promise<void>;
  /** A port that is free now. */
  readonly freePort: () => Promise<number>;
  /** The port to connect to so that `port` is reached through the link that the command asked for. */
  readonly throughLink: (port: number, link?: Link) => Promise<number>;
  /** Resolves once something listens on the port. */
  readonly listening: (port: number) => Promise<void>;
}

/** A tunnel beside ours. */
export interface Peer {
  readonly name: string;
  /** Programs that it needs, found on PATH or in the folders of system programs. */
  readonly programs: readonly string[];
  /** The command that installs it. */
  readonly install: string;
  readonly about: string;
  /** Starts it on loopback; gives how applications enter it. */
  start(context: PeerContext, paths: Readonly<Record<string, string>>): Promise<Entry>;
}

/** An entry that leads to the target. */
export const forwardAt = (port: number): Entry => ({ kind: 'forward', host: '127.0.0.1', port });

/** An entry where the target is asked for by SOCKS5. */
export const socksAt = (port: number): Entry => ({ kind: 'socks5', host: '127.0.0.1', port });
