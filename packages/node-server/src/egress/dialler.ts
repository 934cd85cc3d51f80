import { connect as netConnect, type Socket } from 'node:net';
import type { AbortLike, ErrorCode } from '@millrace/protocol';
import type { Clock } from '../clock.js';
import type { NodeError } from '../errors.js';
import { NODE_LIMITS } from '../limits.js';
import type { Address } from './address.js';
import { dialError } from './platform-errors.js';
import { targetMemory } from './read-memory.js';

/** Opens one connection to one address. */
export type Connect = (address: Address, port: number) => Socket;

/** What a dial needs to know. */
export interface DialOptions {
  port: number;
  clock: Clock;
  /** Ends the dial; its reason is thrown. */
  signal: AbortLike;
  connect?: Connect;
}

/**
 * Connects to the first of the addresses that answers: one after the other, each a quarter of a second after the last or
 * when the last has failed, families in turn ("happy eyeballs", RFC 8305 sections 4 and 5). Only literal addresses come
 * here, so nothing is resolved again.
 * @throws NodeError the most telling `DIAL_*` of all attempts, or the reason of `signal`.
 */
export function dial(addresses: readonly Address[], options: DialOptions): Promise<Socket> {
  const { port, clock, signal, connect = systemConnect } = options;
  const order = interleave(addresses);
  return new Promise((resolve, reject) => {
    const pending = new Set<Socket>();
    const failures: NodeError[] = [];
    let next = 0;
    let done = false;
    let cancelDelay = (): void => {};

    const finish = (winner: Socket | undefined, error?: unknown): void => {
      if (done) return;
      done = true;
      cancelDelay();
      signal.removeEventListener('abort', onAbort);
      for (const socket of pending) if (socket !== winner) socket.destroy();
      if (winner === undefined) reject(error);
      else resolve(winner);
    };
    const onAbort = (): void => finish(undefined, signal.reason);
    const attempt = (): void => {
      cancelDelay();
      const address = order[next++]!;
      const socket = connect(address, port);
      pending.add(socket);
      socket.once('connect', () => finish(socket));
      // Stays when the attempt has won, until its new owner listens for errors too.
      socket.once('error', (error) => {
        pending.delete(socket);
        if (done) return;
        failures.push(dialError(error));
        if (next < order.length) attempt();
        else if (pending.size === 0) finish(undefined, mostTelling(failures));
      });
      if (next < order.length) cancelDelay = clock.after(NODE_LIMITS.dialAttemptDelayMs, attempt);
    };

    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    attempt();
  });
}

/** Of duplex streams, which the declaration of `connect` leaves out: a socket that nobody reads keeps one read, not more. */
const KEEP_LITTLE = { readableHighWaterMark: NODE_LIMITS.smallChunkBytes };

const systemConnect: Connect = (address, port) => {
  const socket: Socket = netConnect({
    ...KEEP_LITTLE,
    onread: targetMemory.onread(() => socket),
    host: address.text,
    port,
    family: address.family,
    autoSelectFamily: false,
    allowHalfOpen: true,
    noDelay: true,
    // A literal is never looked up. Should that ever change, the dial fails instead of going elsewhere.
    lookup: (_name, _options, done) => done(new Error('an address was about to be resolved'), '', 4),
  });
  return socket;
};

/** One of each family in turn, beginning with that of the first: the resolver's order is the system's preference. */
function interleave(addresses: readonly Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]!.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]!.family);
  return first.flatMap((address, at) => [address, ...second.slice(at, at + 1)]).concat(second.slice(first.length));
}

/** An answer of the target says more than a silence, and a silence more than a missing route of this machine. */
const TELLING: readonly ErrorCode[] = [
  'DIAL_REFUSED',
  'DIAL_TIMEOUT',
  'DIAL_HOST_UNREACHABLE',
  'DIAL_FAILED',
  'DIAL_NET_UNREACHABLE',
];

function mostTelling(failures: readonly NodeError[]): NodeError {
  return failures.toSorted((a, b) => TELLING.indexOf(a.code) - TELLING.indexOf(b.code))[0]!;
}
