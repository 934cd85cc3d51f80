/** Process: a path for datagrams with delay, rate, losses, reordering and doubling. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { UdpPathModel, type UdpPathCounts, type UdpPathOptions } from '../check/udp-path-model.js';
import { nowMs } from '../process/clock.js';
import { serve } from '../process/worker.js';

/** Senders that are told apart, at most; datagrams of more are not carried. */
const MAX_SENDERS = 256;
/** Bytes on their way in one direction, at most: two seconds of 1 Gbit/s. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

interface Held {
  dueMs: number;
  send: () => void;
  bytes: number;
}

/** One direction. Datagrams that are due at the same time leave in the order in which they came. */
class Way {
  readonly model: UdpPathModel;
  readonly #held: Held[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UdpPathOptions) {
    this.model = new UdpPathModel(options);
  }

  carry(bytes: number, send: () => void): void {
    const now = nowMs();
    for (const dueMs of this.model.pass(now, bytes)) {
      if (dueMs <= now && this.#held.length === 0) send();
      else this.#hold({ dueMs, send, bytes });
    }
  }

  #hold(held: Held): void {
    if (this.#bytes + held.bytes > MAX_HELD_BYTES) {
      this.model.counts.arriving--;
      this.model.counts.dropped++;
      return;
    }
    this.#bytes += held.bytes;
    // Nearly always the last place is the right one.
    let at = this.#held.length;
    while (at > 0 && (this.#held[at - 1]?.dueMs ?? 0) > held.dueMs) at--;
    this.#held.splice(at, 0, held);
    if (at === 0) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const [next] = this.#held;
    if (next) this.#timer = setTimeout(() => this.#deliver(), Math.max(0, next.dueMs - nowMs()));
  }

  #deliver(): void {
    const now = nowMs();
    let count = 0;
    while ((this.#held[count]?.dueMs ?? Infinity) <= now) count++;
    for (const { send, bytes } of this.#held.splice(0, count)) {
      this.#bytes -= bytes;
      send();
    }
    this.#arm();
  }
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
  });
  // A refused datagram is one that was lost; who counts finds out.
  socket.on('error', () => undefined);
  socket.bind(0, host);
  await once(socket, 'listening');
  return socket;
}

let ways: { up: Way; down: Way } | undefined;

const verbs = {
  /** Forwards datagrams to `to`, and what comes back to who sent them; gives the port to send to. */
  start: async (options: {
    to: { host: string; port: number };
    up: UdpPathOptions;
    down: UdpPathOptions;
  }): Promise<{ host: string; port: number }> => {
    const { host, port } = options.to;
    const [up, down] = [new Way(options.up), new Way(options.down)];
    ways = { up, down };
    const near = await bound('127.0.0.1');
    const fars = new Map<string, Promise<Socket>>();
    const farOf = (sender: RemoteInfo): Promise<Socket> | undefined => {
      const key = `${sender.address}:${sender.port}`;
      const known = fars.get(key);
      if (known || fars.size >= MAX_SENDERS) return known;
      const made = bound('127.0.0.1').then((far) => {
        far.on('message', (back) => down.carry(back.length, () => near.send(back, sender.port, sender.address)));
        return far;
      });
      fars.set(key, made);
      return made;
    };
    near.on('message', (datagram, sender) => {
      void farOf(sender)?.then((far) => up.carry(datagram.length, () => far.send(datagram, port, host)));
    });
    return { host: '127.0.0.1', port: near.address().port };
  },
  /** What became of all datagrams so far. */
  counts: (): { up: UdpPathCounts; down: UdpPathCounts } => {
    if (!ways) throw new Error('not started');
    return { up: { ...ways.up.model.counts }, down: { ...ways.down.model.counts } };
  },
};
export type UdpPathVerbs = typeof verbs;

serve(verbs);
