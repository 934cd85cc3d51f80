import { expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, openStream, startTestNode } from './support/node.js';

test('a reset that comes in together with bytes is not taken for an end', async () => {
  const test = await startTestNode({ maxBufferedBytes: 16_777_216 });
  const { sid, peer } = await openStream(test);
  // The stream is full, so that the node does not read while the target sends its last bytes and resets.
  const full = Buffer.alloc(16_777_216 + 10_000_000, 'x');
  peer.socket.write(full);
  await eventually(() => test.node.stats().bufferedBytes >= 16_777_216);
  peer.reset();
  await peer.gone;
  for (;;) {
    const [reply] = await test.batch([{ op: 'data', sid }]);
    expect(reply!['eof']).not.toBe(true);
    if (reply!['code'] === undefined) continue;
    expect(reply).toEqual({ sid, e: expect.any(String), code: 'TARGET_RESET' });
    break;
  }
});

test('an end that comes while bytes still leave for the target is told', async () => {
  const test = await startTestNode({ activeDrainMs: 0 });
  const { sid, peer } = await openStream(test, { paused: true });
  await test.batch([{ op: 'data', sid, d: b64(Buffer.alloc(4_000_000)) }]);
  peer.end();
  expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, eof: true }]);
});
