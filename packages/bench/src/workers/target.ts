/** Process: what the tunnel reaches. Source of downloads, sink of uploads, echo; and hosts that never answer. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startTarget } from '@millrace/testkit';
import { CheckedSink, type SinkReport } from '../check/checked-sink.js';
import { decodeRequest, REQUEST_BYTES, TOKEN_BYTES, type TransferRequest } from '../check/request.js';
import { writePattern, type SourceReport } from '../check/source.js';
import { bounded } from '../process/bounded.js';
import { serve } from '../process/worker.js';

/** What the target saw of one transfer. */
export interface TargetRecord {
  source?: SourceReport;
  sink?: SinkReport;
  /** Upload: what it answered, in hex. */
  token?: string;
  problem?: string;
}

/** How long a transfer that the application has ended may take to end here. */
const COLLECT_TIMEOUT_MS = 20_000;

const records = new Map<number, Promise<TargetRecord>>();
const waiting = new Map<number, (record: Promise<TargetRecord>) => void>();
let bad = 0;

function accept(socket: Socket): void {
  socket.setNoDelay(true);
  // What a broken connection means is told by `close` and by the counts.
  socket.on('error', () => undefined);
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    if (head.length < REQUEST_BYTES) return;
    socket.off('data', onData);
    socket.pause();
    try {
      const request = decodeRequest(head.subarray(0, REQUEST_BYTES));
      if (head.length > REQUEST_BYTES) socket.unshift(head.subarray(REQUEST_BYTES));
      const record = answer(socket, request).catch((error: Error) => ({ problem: error.message }));
      records.set(request.id, record);
      waiting.get(request.id)?.(record);
    } catch {
      bad++;
      socket.resetAndDestroy();
    }
  };
  socket.on('data', onData);
}

async function answer(socket: Socket, request: TransferRequest): Promise<TargetRecord> {
  const { verb, seed, bytes } = request;
  if (verb === 'echo') {
    let echoed = 0;
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      socket.write(chunk);
      echoed += chunk.length;
      if (echoed >= bytes) socket.end();
    });
    socket.resume();
    await once(socket, 'close');
    return {};
  }
  if (verb === 'download') {
    socket.resume();
    const source = await writePattern(socket, seed, bytes);
    socket.end();
    return { source };
  }
  if (verb === 'upload') {
    const sink = await take(socket, new CheckedSink(seed, bytes));
    const token = randomBytes(TOKEN_BYTES);
    socket.end(token);
    return { sink, token: token.toString('hex') };
  }
  const takeOther = (): Promise<SinkReport> => take(socket, new CheckedSink(seed + 1, bytes));
  if (verb === 'end-first') {
    const taken = takeOther();
    const source = await writePattern(socket, seed, bytes);
    socket.end();
    return { source, sink: await taken };
  }
  const sink = await takeOther();
  const source = await writePattern(socket, seed, bytes);
  socket.end();
  return { source, sink };
}

/** Reads until all bytes came; the end of the other side, and a broken connection, end it too. */
function take(socket: Socket, sink: CheckedSink): Promise<SinkReport> {
  return new Promise((resolve) => {
    socket.once('end', () => resolve(sink.end()));
    socket.once('close', () => resolve(sink.end()));
    socket.on('data', (chunk: Buffer) => {
      sink.push(chunk);
      if (sink.wrong) socket.resetAndDestroy();
      if (sink.full) resolve(sink.end());
    });
    socket.resume();
  });
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
const deadHosts: Array<{ port: number }> = [];

const verbs = {
  /** Listens on a host; gives the port. */
  listen: async ({ host }: { host: string }): Promise<number> => {
    server.listen(0, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  /** Starts a host that neither accepts nor refuses; gives its port. */
  deadHost: async (): Promise<number> => {
    const target = await startTarget({ kind: 'unaccepting' });
    deadHosts.push(target);
    return target.port;
  },
  /** What was seen of these transfers, in their order; waits until they have ended here too. */
  collect: (ids: number[]): Promise<TargetRecord[]> =>
    Promise.all(
      ids.map(async (id) => {
        const record =
          records.get(id) ?? new Promise<TargetRecord>((resolve) => waiting.set(id, (seen) => resolve(seen)));
        try {
          return await bounded(record, COLLECT_TIMEOUT_MS, `transfer ${id} at the target`);
        } catch (error) {
          return { problem: (error as Error).message };
        } finally {
          records.delete(id);
          waiting.delete(id);
        }
      }),
    ),
  /** Streams whose first bytes were not a request. */
  badStreams: (): number => bad,
};
export type TargetVerbs = typeof verbs;

serve(verbs);
