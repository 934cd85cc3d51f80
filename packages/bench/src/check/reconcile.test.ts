import { setImmediate as turn } from 'node:timers/promises';
import { patternBytes } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { CheckedSink } from './checked-sink.js';
import { reconcile, reconcileCount } from './reconcile.js';
import type { SourceReport } from './source.js';

const BYTES = 1000;
const source: SourceReport = {
  seed: 3,
  bytes: BYTES,
  startMs: 0,
  endMs: 1,
  timeline: { timesMs: [0], positions: [BYTES] },
};

function sinkOf(bytes: Uint8Array): ReturnType<CheckedSink['end']> {
  const sink = new CheckedSink(3, BYTES);
  sink.push(bytes);
  return sink.end();
}

test('two ends that agree have no problem', () => {
  expect(reconcile({ name: 'a', source, sink: sinkOf(patternBytes(BYTES, 3)) })).toEqual([]);
});

test('an end that never saw the stream is a problem', () => {
  expect(reconcile({ name: 'a', source })).toEqual(['a: the sink never saw the stream']);
});

test('a byte too many is a problem', () => {
  expect(reconcile({ name: 'a', source, sink: sinkOf(patternBytes(BYTES + 1, 3)) }).join()).toMatch(
    /1 bytes too many, from offset 1000/,
  );
});

test('a checksum that differs is a problem even when every comparison went well', () => {
  const sink = { ...sinkOf(patternBytes(BYTES, 3)), crc: 1 };
  expect(reconcile({ name: 'a', source, sink })).toEqual(['a: the checksum of the whole differs from the source']);
});

test('a confirmation from before the last byte is a problem, though it came from the target', () => {
  const sink = sinkOf(patternBytes(BYTES, 3));
  const token = { made: 'aa', got: 'aa', gotMs: sink.lastMs - 5 };
  expect(reconcile({ name: 'a', source, sink, token })).toEqual([
    'a: confirmed 5.0 ms before the last byte had arrived',
  ]);
});

test('a counter that loses counts under concurrency is caught', async () => {
  let bytes = 0;
  const single = [100, 200, 300];
  await Promise.all(
    single.map(async (count) => {
      const before = bytes;
      await turn();
      bytes = before + count;
    }),
  );
  expect(reconcileCount('bytes', bytes, single, 'equal')).toEqual([`bytes: counted ${bytes}, the streams say 600`]);
});
