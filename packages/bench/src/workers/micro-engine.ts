/** Process: the stream engine without codec and sockets. */
import { EnginePair } from '../micro/engine-pair.js';
import { serveTasks } from '../micro/serve-tasks.js';

/** Bytes of one bulk transfer, and of one write of it. */
const BULK_BYTES = 8 * 2 ** 20;
const chunk = new Uint8Array(64 * 1024).fill(7);
/** Streams that have a little to say each, and what that is. */
const STREAMS = 500;
const SMALL_BYTES = 100;
const small = new Uint8Array(SMALL_BYTES).fill(7);

const bulkPair = new EnginePair();
const manyPair = new EnginePair();
const openPair = new EnginePair();
const sids = Array.from({ length: STREAMS }, () => manyPair.open());
let settled = 0;
manyPair.onClient = ({ type }) => {
  if (type === 'opened') settled++;
};
manyPair.run(() => settled === STREAMS);

/** Moves bytes of one stream to their end. */
function bulk(direction: 'up' | 'down'): number {
  const pair = bulkPair;
  const [from, to] = direction === 'up' ? [pair.client, pair.node] : [pair.node, pair.client];
  let [written, read] = [0, 0];
  const sid = pair.open();
  const write = (): void => {
    while (written < BULK_BYTES) {
      const taken = from.write(sid, chunk, pair.now);
      written += taken;
      if (taken < chunk.length) return;
    }
  };
  const take = (): void => {
    for (let piece = to.read(sid); piece; piece = to.read(sid)) {
      read += piece.length;
      to.consume(sid, piece.length, pair.now);
    }
  };
  const onFrom = ({ type }: { type: string }): void => {
    if (type === 'writable' || type === 'open') write();
  };
  const onTo = ({ type }: { type: string }): void => {
    if (type === 'readable') take();
  };
  [pair.onClient, pair.onNode] = direction === 'up' ? [onFrom, onTo] : [onTo, onFrom];
  if (direction === 'up') write();
  pair.run(() => read >= BULK_BYTES);
  pair.client.reset(sid, 'STREAM_CLOSED', pair.now);
  return read;
}

/** A little of many streams at once: what the scheduler has to pick from. */
function many(): number {
  let read = 0;
  manyPair.onNode = ({ type, sid = 0 }) => {
    if (type !== 'readable') return;
    for (let piece = manyPair.node.read(sid); piece; piece = manyPair.node.read(sid)) {
      read += piece.length;
      manyPair.node.consume(sid, piece.length, manyPair.now);
    }
  };
  for (const sid of sids) manyPair.client.write(sid, small, manyPair.now);
  manyPair.run(() => read >= STREAMS * SMALL_BYTES);
  return read;
}

/** A stream from its open to the end of both sides. */
function openAndClose(): void {
  let over = false;
  openPair.onNode = ({ type, sid = 0 }) => {
    if (type === 'open') openPair.node.finish(sid, openPair.now);
    if (type === 'readable') while (openPair.node.read(sid));
  };
  openPair.onClient = ({ type, sid = 0 }) => {
    if (type === 'readable') while (openPair.client.read(sid));
    if (type === 'closed' || type === 'reset' || type === 'failed') over = true;
  };
  openPair.client.finish(openPair.open(), openPair.now);
  openPair.run(() => over);
}

serveTasks({
  'engine-down': { bytes: BULK_BYTES, run: () => bulk('down') },
  'engine-up': { bytes: BULK_BYTES, run: () => bulk('up') },
  'engine-open-close': { bytes: 0, run: openAndClose },
  'scheduler-500-streams': { bytes: STREAMS * SMALL_BYTES, run: many },
});
