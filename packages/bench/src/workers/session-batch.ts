/** Process: sends bursts of packets, or receives them, with one of the ways to the system. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { loadNative, writeAddress, type NativeSocket, type Tier } from '@millrace/udp-native';
import { patternBytes } from '@millrace/testkit';
import { bounded } from '../process/bounded.js';
import { pinTo } from '../process/pin.js';
import { serve } from '../process/worker.js';

/** How packets reach the system. */
export type Way = Tier | 'dgram';

/** Where a socket is bound. */
interface Place {
  address: string;
  port: number;
}

/** A socket to be opened. Where the addon is missing it is one of node:dgram, whatever `way` says. */
export interface BatchOptions {
  way: Way;
  packetBytes: number;
  /** Packets of a burst: they fit into the buffer of a socket that nobody reads. */
  burst: number;
}

/** What a burst cost at one end. */
export interface BurstReport {
  cpuNs: number;
  /** System calls that moved packets; of node:dgram the packets, since each takes at least one. */
  calls: number;
  checkMs: number;
  /** Packets that came with the bytes that they should have, in their order. */
  right: number;
}

const SEED = 17;
const BUFFER_BYTES = 4 * 2 ** 20;
const PATIENCE_MS = 5000;
const ROW_WORDS = 4;
const ADDRESS_BYTES = 24;
const MAX_SLOTS = 64;

/** One end, by either means. */
interface End {
  readonly address: Place;
  readonly native: boolean;
  /** Hands a burst to the system. */
  send(to: Place): Promise<BurstReport>;
  /** Gets ready for a burst. From then on a socket of node:dgram takes what comes; one of the addon leaves it with the system. */
  prepare(): void;
  /** Takes a burst, to its last packet. */
  receive(): Promise<BurstReport>;
}

const cpuNs = (from?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(from);
  return (user + system) * 1e3;
};

class NativeEnd implements End {
  readonly native = true;
  readonly address: Place;
  readonly #socket: NativeSocket;
  readonly #slab: Buffer;
  readonly #rows: Uint32Array;
  readonly #options: BatchOptions;
  /** What is received into; filled, so that the system gave its memory before anything is measured. */
  readonly #ring: Buffer;
  readonly #received: Uint32Array;
  readonly #senders = new Uint8Array(MAX_SLOTS * ADDRESS_BYTES);

  constructor(socket: NativeSocket, options: BatchOptions) {
    const { burst, packetBytes } = options;
    this.#socket = socket;
    this.#options = options;
    this.address = socket.address;
    this.#slab = patternBytes(burst * packetBytes, SEED);
    this.#rows = new Uint32Array(burst * ROW_WORDS);
    for (let i = 0; i < burst; i++) this.#rows.set([i * packetBytes, packetBytes, 0, 0], i * ROW_WORDS);
    this.#ring = Buffer.alloc(MAX_SLOTS * socket.slotBytes, 1);
    this.#received = new Uint32Array(burst * ROW_WORDS);
  }

  send({ address, port }: Place): Promise<BurstReport> {
    const { burst } = this.#options;
    const addresses = new Uint8Array(ADDRESS_BYTES);
    writeAddress(addresses, 0, address, port);
    const { sendCalls } = this.#socket.stats();
    const start = process.cpuUsage();
    const right = this.#socket.send(this.#slab, this.#rows, burst, addresses);
    const spent = cpuNs(start);
    const calls = this.#socket.stats().sendCalls - sendCalls;
    return Promise.resolve({ cpuNs: spent, calls, checkMs: 0, right });
  }

  prepare(): void {
    this.#socket.pause();
  }

  async receive(): Promise<BurstReport> {
    const { burst, packetBytes } = this.#options;
    const [ring, rows] = [this.#ring, this.#received];
    const { receiveCalls } = this.#socket.stats();
    let [came, right, checkMs, spent] = [0, 0, 0, 0];
    const start = process.cpuUsage();
    await new Promise<void>((resolve) => {
      this.#socket.receive(ring, rows, this.#senders, (count) => {
        const startMs = performance.now();
        for (let i = 0; i < count; i++, came++) {
          const at = rows[i * ROW_WORDS] ?? 0;
          const bytes = rows[i * ROW_WORDS + 1] ?? 0;
          const from = came * packetBytes;
          if (ring.compare(this.#slab, from, from + packetBytes, at, at + bytes) === 0) right++;
        }
        checkMs += performance.now() - startMs;
        if (came < burst) return;
        spent = cpuNs(start);
        resolve();
      });
    });
    this.#socket.pause();
    const calls = this.#socket.stats().receiveCalls - receiveCalls;
    return { cpuNs: spent - checkMs * 1e6, calls, checkMs, right };
  }
}

class DgramEnd implements End {
  readonly native = false;
  readonly address: Place;
  readonly #socket: Socket;
  readonly #packets: Buffer[];
  /** Resolves with the last packet of a burst. */
  #arriving: Promise<{ cpuNs: number; came: Buffer[] }> | undefined;

  constructor(socket: Socket, { burst, packetBytes }: BatchOptions) {
    this.#socket = socket;
    this.address = socket.address();
    const slab = patternBytes(burst * packetBytes, SEED);
    this.#packets = Array.from({ length: burst }, (_, i) => slab.subarray(i * packetBytes, (i + 1) * packetBytes));
  }

  async send({ address, port }: Place): Promise<BurstReport> {
    const start = process.cpuUsage();
    let [left, failed] = [this.#packets.length, 0];
    await new Promise<void>((resolve) => {
      const done = (error: Error | null): void => {
        if (error) failed++;
        if (--left === 0) resolve();
      };
      for (const packet of this.#packets) this.#socket.send(packet, port, address, done);
    });
    const spent = cpuNs(start);
    const { length } = this.#packets;
    return { cpuNs: spent, calls: length, checkMs: 0, right: length - failed };
  }

  prepare(): void {
    const came: Buffer[] = [];
    const start = process.cpuUsage();
    this.#arriving = new Promise((resolve) => {
      this.#socket.on('message', (packet) => {
        if (came.push(packet) === this.#packets.length) resolve({ cpuNs: cpuNs(start), came });
      });
    });
  }

  async receive(): Promise<BurstReport> {
    if (!this.#arriving) throw new Error('not prepared');
    const { cpuNs: spent, came } = await this.#arriving;
    this.#socket.removeAllListeners('message');
    const right = came.filter((packet, i) => this.#packets[i]?.equals(packet)).length;
    return { cpuNs: spent, calls: came.length, checkMs: 0, right };
  }
}

const ends = new Map<Way, End>();

function endOf(way: Way): End {
  const end = ends.get(way);
  if (!end) throw new Error(`there is no socket for ${way}`);
  return end;
}

async function openEnd(options: BatchOptions): Promise<End> {
  const addon = options.way === 'dgram' ? undefined : loadNative();
  if (addon && options.way !== 'dgram') {
    return new NativeEnd(addon.openSocket({ address: '127.0.0.1', tier: options.way }), options);
  }
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return new DgramEnd(socket, options);
}

const verbs = {
  /** Keeps this process on a core, counted from 0. */
  pin: (core: number): boolean => pinTo(core),
  /** Opens a socket on the loopback address. */
  open: async (options: BatchOptions): Promise<Place & { native: boolean }> => {
    const end = await openEnd(options);
    ends.set(options.way, end);
    return { ...end.address, native: end.native };
  },
  send: ({ way, to }: { way: Way; to: Place }): Promise<BurstReport> => endOf(way).send(to),
  prepare: (way: Way): void => endOf(way).prepare(),
  receive: (way: Way): Promise<BurstReport> => bounded(endOf(way).receive(), PATIENCE_MS, 'the arrival of a burst'),
};
export type BatchVerbs = typeof verbs;

serve(verbs);
