import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decodeBody, decodePacket, type SegmentValue } from '@millrace/protocol/level2';
import { expect, test } from 'vitest';
import { level2MemoryBound } from '../src/level2/memory.js';
import { NODE_LIMITS } from '../src/limits.js';
import { engineOptions } from '../src/node.js';
import { eventually, quiet } from './support/eventually.js';
import { addClient } from './support/level2-node.js';
import { startTestNode } from './support/node.js';
import { MIB } from './support/raw.js';
import { StalledSocket } from './support/stalled-socket.js';

test('at defaults a node with one client of 1,000 streams stays below 512 MiB', () => {
  const engine = engineOptions({ maxBufferedBytes: 512 * MIB, maxStreams: 4_096, maxClients: 256 });
  const { maxAssociations, ...options } = engine;
  expect(maxAssociations).toBe(256);
  const answerBytes = 4 * MIB;
  const load = { streams: 1_000, clients: 1, exchanges: 128, answerBytes };
  const held = level2MemoryBound(options, NODE_LIMITS, load);
  // Requests being read: those of an account's 30 exchanges, 4 MiB each; and one body that is put together, three times.
  const bound = held + 30 * 4 * MIB + 3 * answerBytes;
  process.stdout.write(`worst case with 1,000 streams: ${mib(held)} held, ${mib(bound)} with requests\n`);
  expect(bound).toBeLessThanOrEqual(512 * MIB);
});

test('1,000 targets that do not read, and a client that does not fetch, reach half the bound at defaults and never pass it', async () => {
  const streams = 1_000;
  const options = { maxBufferedBytes: 512 * MIB, maxStreams: 4_096, maxClients: 256 };
  const connect = (): ReturnType<StalledSocket['asSocket']> => new StalledSocket(65_536).asSocket();
  const { node, ...rest } = await startTestNode(options, { connect });
  const { maxAssociations: _, ...engine } = engineOptions(options);
  const load = { streams, clients: 1, exchanges: 128, answerBytes: 4 * MIB };
  const bound = level2MemoryBound(engine, NODE_LIMITS, load);
  const client = await addClient({ node, ...rest });

  let most = 0;
  const look = (): number => {
    const { bufferedBytes } = node.stats();
    most = Math.max(most, bufferedBytes);
    expect(bufferedBytes).toBeLessThanOrEqual(bound);
    return bufferedBytes;
  };
  collectGarbage();
  const before = process.memoryUsage();
  // By hand, since an engine would hold as much in this process again: each stream is opened with its floor and with room
  // for all that its target has, and then sends what it may beyond that.
  const d = Buffer.alloc(65_536);
  const credits = new Map<number, number>();
  let n = 0;
  const send = async (segments: SegmentValue[]): Promise<void> => {
    const answer = await client.post(client.encode({ n: n++, cid: client.cid, max: 16_384, segments }));
    const { segments: told = [] } = decodePacket(decodeBody(answer, 'response').packet);
    for (const { sid, credit } of told) if (credit !== undefined) credits.set(sid, credit);
    look();
  };
  for (let first = 0; first < streams; first += 50) {
    const open = { host: '127.0.0.1', port: 80, kind: 0 };
    await send(Array.from({ length: 50 }, (_, index) => ({ sid: first + index, open, off: 0, d, credit: 64 * MIB })));
  }
  await eventually(() => look() > 0 && node.stats().streams === streams);
  for (const [sid, credit] of credits) {
    for (let off = d.length; off < credit; off += MIB) {
      await send([{ sid, off, d: Buffer.alloc(Math.min(MIB, credit - off)) }]);
    }
  }
  // The targets send for as long as anything of theirs is taken.
  for (let last = -1; last !== look(); await quiet()) last = look();
  collectGarbage();
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  const share = `${((most / bound) * 100).toFixed(0)} % of the bound of ${mib(bound)}`;
  process.stdout.write(`held at most ${mib(most)}, ${share}; buffers of the process grew by ${mib(grown)}\n`);
  expect(most).toBeGreaterThan(bound / 2);
  expect(grown).toBeGreaterThan(most / 2);
  expect(grown).toBeLessThanOrEqual(bound);
  await node.close();
  expect(node.stats().bufferedBytes).toBe(0);
});

/** Asks the engine of this process for a full collection, which it offers to those who set its flag. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
