/** Process: source or sink of numbered datagrams, each of which is compared. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { patternView } from '@millrace/testkit';
import { nowMs } from '../process/clock.js';
import { serve } from '../process/worker.js';

/** A datagram begins with its number. */
const NUMBER_BYTES = 8;
const SEED = 11;
/** The sink says how far it is after so many datagrams, and the source sends no more than that ahead. */
const ACK_EVERY = 16;
/** Datagrams that are sent in one go. */
const BURST = 32;
/** Without news for so long what is missing counts as lost, and the source goes on. */
const PATIENCE_MS = 50;
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** What a sink saw. */
export interface SinkCounts {
  arrived: number;
  different: number;
  /** Datagrams that came after a higher number. */
  late: number;
  wrong: number;
}

let socket: Socket | undefined;
const seen = new Set<number>();
const counts: SinkCounts = { arrived: 0, different: 0, late: 0, wrong: 0 };
let highest = -1;

async function open(host: string): Promise<Socket> {
  const made = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES, sendBufferSize: SOCKET_BUFFER_BYTES });
  made.on('error', () => undefined);
  made.bind(0, host);
  await once(made, 'listening');
  socket = made;
  return made;
}

function datagramOf(number: number, bytes: number): Buffer {
  const head = Buffer.alloc(NUMBER_BYTES);
  head.writeBigUInt64BE(BigInt(number));
  return Buffer.concat([head, patternView(number * 7, bytes - NUMBER_BYTES, SEED)]);
}

function take(datagram: Buffer): void {
  counts.arrived++;
  const number = datagram.length < NUMBER_BYTES ? -1 : Number(datagram.readBigUInt64BE());
  if (number < 0 || !datagram.equals(datagramOf(number, datagram.length))) {
    counts.wrong++;
    return;
  }
  if (number < highest) counts.late++;
  highest = Math.max(highest, number);
  if (!seen.has(number)) counts.different++;
  seen.add(number);
}

const verbs = {
  /** Takes datagrams at an address; gives it with its port. */
  sink: async (host: string): Promise<{ host: string; port: number }> => {
    const made = await open(host);
    made.on('message', (datagram, { address, port }) => {
      take(datagram);
      if (counts.arrived % ACK_EVERY === 0) made.send(String(counts.arrived), port, address);
    });
    return { host, port: made.address().port };
  },
  counts: (): SinkCounts => ({ ...counts }),
  /** Sends numbered datagrams, at most `window` ahead of what the sink says it has; gives the time it took. */
  send: async (options: {
    to: { host: string; port: number };
    count: number;
    bytes: number;
    window: number;
  }): Promise<{ seconds: number }> => {
    const { to, count, bytes, window } = options;
    const made = socket ?? (await open('0.0.0.0'));
    let acknowledged = 0;
    let wake: (() => void) | undefined;
    made.on('message', (ack) => {
      acknowledged = Math.max(acknowledged, Number(ack.toString()));
      wake?.();
    });
    const startMs = nowMs();
    let given = 0;
    for (let number = 0; number < count;) {
      if (number - given < window) {
        made.send(datagramOf(number, bytes), to.port, to.host);
        number++;
        // A kernel with small buffers drops what comes all at once.
        if (number % BURST === 0) await turn();
        continue;
      }
      const before = acknowledged;
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), delay(PATIENCE_MS)]);
      // Nothing came in all that time: the rest of the window is lost.
      given = acknowledged > before ? Math.max(given, acknowledged) : number;
    }
    return { seconds: (nowMs() - startMs) / 1e3 };
  },
};
export type UdpProbeVerbs = typeof verbs;

serve(verbs);
