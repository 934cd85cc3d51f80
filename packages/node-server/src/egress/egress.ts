import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { AbortFlag, type AbortLike, type EventHub, type MillraceEvent } from '@millrace/protocol';
import type { Clock } from '../clock.js';
import { codeOf, NodeError } from '../errors.js';
import { NODE_LIMITS, type NodeLimits } from '../limits.js';
import type { Address } from './address.js';
import { Datagrams } from './datagrams.js';
import { type Connect, dial } from './dialler.js';
import { type Host, parseHost } from './host.js';
import { NameCache } from './name-cache.js';
import { dialError } from './platform-errors.js';
import type { EgressPolicy } from './policy.js';
import { widenReceiveRoom } from './receive-room.js';
import { type Lookup, resolveName } from './resolver.js';

/** What {@link Egress} needs. */
export interface EgressOptions {
  policy: EgressPolicy;
  lookup: Lookup;
  /** Name and all addresses together. */
  dialTimeoutMs: number;
  clock: Clock;
  events: EventHub<MillraceEvent>;
  /** Only tests give others. */
  connect?: Connect;
  limits?: NodeLimits;
}

/** A UDP socket that is connected to a checked address. */
export interface BoundFlow {
  socket: UdpSocket;
  /** To be asked before each datagram. @throws NodeError `POLICY_DENIED` */
  check: () => void;
}

/** The one way out: every connection and flow of every level is asked for here, and checked here. */
export class Egress {
  readonly #options: EgressOptions;
  readonly #names: NameCache;

  constructor(options: EgressOptions) {
    this.#options = options;
    this.#names = new NameCache({ ...options, limits: options.limits ?? NODE_LIMITS });
  }

  /**
   * Opens a TCP connection.
   * @throws NodeError `DIAL_*`, `POLICY_DENIED`, or `ABORTED` when `signal` says so.
   */
  connect(host: string, port: number, signal: AbortLike): Promise<Socket> {
    const { clock, connect } = this.#options;
    return this.#timed(signal, async (ending) => {
      const addresses = await this.#addresses(host, port, ending);
      return dial(addresses, { port, clock, signal: ending, ...(connect && { connect }) });
    });
  }

  /**
   * Opens a UDP socket that sends to and hears from the target only.
   * @throws NodeError as {@link connect}.
   */
  openFlow(host: string, port: number, signal: AbortLike): Promise<BoundFlow> {
    const { policy } = this.#options;
    return this.#timed(signal, async (ending) => {
      const addresses = await this.#addresses(host, port, ending);
      let failure: unknown;
      for (const address of addresses) {
        try {
          const socket = await connectUdp(address, port);
          return { socket, check: () => policy.checkAddress(address, port) };
        } catch (error) {
          failure ??= error;
        }
      }
      throw failure;
    });
  }

  /** The way out for one UDP association with any number of targets. Opens nothing before the first datagram. */
  datagrams(): Datagrams {
    const { policy, limits = NODE_LIMITS } = this.#options;
    return new Datagrams({ policy, names: this.#names, maxSending: limits.maxFlowSending });
  }

  /** The addresses that host and port stand for and that may be reached; at least one. */
  async #addresses(text: string, port: number, signal: AbortLike): Promise<Address[]> {
    const { policy, lookup } = this.#options;
    const host: Host = parseHost(text);
    policy.checkTarget(host, port);
    const all = 'address' in host ? [host.address] : await ended(resolveName(host.name, lookup), signal);
    let denial: unknown;
    const allowed = all.filter((address) => {
      try {
        policy.checkAddress(address, port);
        return true;
      } catch (error) {
        denial = error;
        return false;
      }
    });
    if (allowed.length === 0) throw denial;
    return allowed;
  }

  /** Runs a dial with its deadline, and tells how it went. */
  async #timed<T>(signal: AbortLike, run: (ending: AbortLike) => Promise<T>): Promise<T> {
    const { clock, dialTimeoutMs, events } = this.#options;
    const started = clock.now();
    const ending = new AbortFlag();
    const onAbort = (): void => ending.abort(new NodeError('ABORTED', 'the request was given up'));
    const cancel = clock.after(dialTimeoutMs, () =>
      ending.abort(new NodeError('DIAL_TIMEOUT', `the target did not answer within ${dialTimeoutMs} ms`)),
    );
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    let result = 'ok';
    try {
      return await run(ending);
    } catch (error) {
      result = codeOf(error);
      throw error;
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
      events.emit({ event: 'dial', result, ms: clock.now() - started });
    }
  }
}

/** The promise's result, unless the signal comes first. A resolver cannot be stopped; its late answer is dropped. */
function ended<T>(promise: Promise<T>, signal: AbortLike): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function connectUdp(address: Address, port: number): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.family === 4 ? 'udp4' : 'udp6');
    widenReceiveRoom(socket);
    const fail = (error: Error): void => {
      socket.close();
      reject(dialError(error));
    };
    socket.once('error', fail);
    socket.connect(port, address.text, (error?: Error) => {
      socket.off('error', fail);
      if (error) fail(error);
      else resolve(socket);
    });
  });
}
