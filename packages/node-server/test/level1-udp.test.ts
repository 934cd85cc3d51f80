import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, openStream, type Reply, startClockedNode, startTestNode, type TestNode } from './support/node.js';
import { isPending } from './support/pending.js';
import { startUdpTarget, type UdpTarget } from './support/target.js';

/** Opens a flow whose target has received one datagram, so that it can answer. */
async function openFlow(
  test: TestNode,
): Promise<{ sid: string; target: UdpTarget; answer: (data: string) => Promise<void> }> {
  const target = await startUdpTarget();
  const opening = test.batch([{ op: 'udp_open', host: '127.0.0.1', port: target.port, d: b64('first') }]);
  const { reply: answer } = await target.next();
  await answer('hello');
  const [opened] = await opening;
  const sid = opened!['sid'] as string;
  const said = packets(opened).length > 0 ? opened : (await test.batch([{ op: 'udp_data', sid }]))[0];
  expect(packets(said)).toEqual(['hello']);
  return { sid, target, answer: (data) => answer(data) };
}

const packets = (reply: Reply | undefined): string[] =>
  ((reply?.['pkts'] as string[] | undefined) ?? []).map((packet) => Buffer.from(packet, 'base64').toString());

describe('flows', () => {
  test('a udp_open sends its first datagram and answers what comes back soon, each datagram whole', async () => {
    const test = await startTestNode();
    const target = await startUdpTarget();
    const reply = test.batch([{ op: 'udp_open', host: '127.0.0.1', port: target.port, d: b64('ask') }]);
    const { data, reply: answer } = await target.next();
    expect(data.toString()).toBe('ask');
    await answer('tell');
    expect(await reply).toEqual([{ sid: expect.any(String), pkts: [b64('tell')], eof: false }]);
    expect(test.node.stats()).toMatchObject({ streams: 0, flows: 1 });
  });

  test('a udp_open without a datagram opens and waits for nothing', async () => {
    const test = await startTestNode();
    const target = await startUdpTarget();
    const [reply] = await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: target.port }]);
    expect(reply).toEqual({ sid: expect.any(String), eof: false });
    await test.batch([
      { op: 'udp_data', sid: reply!['sid'], d: b64('now') },
      { op: 'close', sid: reply!['sid'] },
    ]);
    expect((await target.next()).data.toString()).toBe('now');
  });

  test('a udp_data sends one datagram and answers those that came, in order', async () => {
    const test = await startTestNode();
    const { sid, target, answer } = await openFlow(test);
    for (const data of ['a', 'bb', '']) await answer(data);
    await eventually(() => test.node.stats().bufferedBytes === 3);
    const [reply] = await test.batch([{ op: 'udp_data', sid, d: b64('more') }]);
    expect((await target.next()).data.toString()).toBe('more');
    expect(packets(reply).slice(0, 2)).toEqual(['a', 'bb']);
  });

  test('a udp_data without a datagram polls long and is woken by one', async () => {
    const test = await startTestNode();
    const { sid, answer } = await openFlow(test);
    const reply = test.batch([{ op: 'udp_data', sid }]);
    await eventually(() => test.node.stats().requests === 1);
    expect(await isPending(reply)).toBe(true);
    await answer('push');
    expect(await reply).toEqual([{ sid, pkts: [b64('push')], eof: false }]);
  });

  test('a full queue drops the oldest datagrams, and the drop is counted', async () => {
    const test = await startTestNode({}, { limits: { maxFlowDatagrams: 3 } });
    const { sid, answer } = await openFlow(test);
    // Of 1 to 5 bytes: 12 bytes are the last three.
    for (const data of ['1', '22', '333', '4444', '55555']) await answer(data);
    await eventually(() => test.node.stats().bufferedBytes === 12);
    expect(packets((await test.batch([{ op: 'udp_data', sid }]))[0])).toEqual(['333', '4444', '55555']);
    expect(test.events).toContainEqual({ event: 'dropped', id: expect.any(Number), count: 2, code: 'QUEUE_FULL' });
  });

  test('a port that nobody listens on is silence, not an error', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const [opened] = await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: 1, d: b64('x') }]);
    for (let n = 0; n < 3; n++) {
      expect(await test.batch([{ op: 'udp_data', sid: opened!['sid'], d: b64('x') }])).toEqual([
        { sid: opened!['sid'], eof: false },
      ]);
    }
  });

  test('a datagram larger than UDP carries is an error on that op', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid } = await openFlow(test);
    const tooLarge = b64(Buffer.alloc(65_508));
    expect(await test.batch([{ op: 'udp_data', sid, d: tooLarge }])).toEqual([
      { sid, e: expect.any(String), code: 'MESSAGE_INVALID' },
    ]);
    expect(await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: 9, d: tooLarge }])).toMatchObject([
      { code: 'MESSAGE_INVALID' },
    ]);
    expect(test.node.stats().flows).toBe(1);
  });

  test('a flow hears its target only', async () => {
    const test = await startTestNode();
    const mine = await openFlow(test);
    const other = await openFlow(test);
    const poll = test.batch([{ op: 'udp_data', sid: mine.sid }]);
    await eventually(() => test.node.stats().requests === 1);
    await other.answer('for the other flow');
    await eventually(() => test.node.stats().bufferedBytes === 18);
    expect(await isPending(poll)).toBe(true);
    await mine.answer('for this one');
    expect(packets((await poll)[0])).toEqual(['for this one']);
  });

  test('a flow without datagrams is reaped after 120 seconds, polled or not', async () => {
    const test = await startClockedNode({ activeDrainMs: 0, settleMaxMs: 0 });
    const target = await startUdpTarget();
    const [opened] = await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: target.port }]);
    const sid = opened!['sid'];
    test.clock.advance(100_000);
    await test.batch([{ op: 'udp_data', sid }, { op: 'version' }]);
    test.clock.advance(19_999);
    expect(test.node.stats().flows).toBe(1);
    const poll = test.batch([{ op: 'udp_data', sid }]);
    await test.clock.scheduled(15_000);
    test.clock.advance(1);
    expect(test.node.stats().flows).toBe(0);
    expect(await poll).toEqual([{ sid, eof: true, code: 'UNKNOWN_SID' }]);
  });

  test('a datagram in either direction keeps a flow for another 120 seconds', async () => {
    const test = await startClockedNode({ activeDrainMs: 0, settleMaxMs: 0 });
    const target = await startUdpTarget();
    const [opened] = await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: target.port }]);
    const sid = opened!['sid'];
    test.clock.advance(119_000);
    await test.batch([{ op: 'udp_data', sid, d: b64('out') }]);
    const { reply } = await target.next();
    test.clock.advance(119_000);
    await reply('in');
    await eventually(() => test.node.stats().bufferedBytes === 2);
    test.clock.advance(119_999);
    expect(test.node.stats().flows).toBe(1);
    test.clock.advance(1);
    expect(test.node.stats().flows).toBe(0);
  });

  test('data ops do not reach flows, nor udp_data ops streams', async () => {
    const test = await startTestNode();
    const flow = await openFlow(test);
    const stream = await openStream(test);
    expect(await test.batch([{ op: 'data', sid: flow.sid, d: b64('x') }])).toEqual([
      { sid: flow.sid, eof: true, code: 'UNKNOWN_SID' },
    ]);
    expect(await test.batch([{ op: 'udp_data', sid: stream.sid, d: b64('x') }])).toEqual([
      { sid: stream.sid, eof: true, code: 'UNKNOWN_SID' },
    ]);
    expect(test.node.stats()).toMatchObject({ streams: 1, flows: 1 });
  });

  test('a close after a datagram in the same batch comes after it', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, target } = await openFlow(test);
    expect(
      await test.batch([
        { op: 'udp_data', sid, d: b64('bye') },
        { op: 'close', sid },
        { op: 'udp_data', sid },
      ]),
    ).toEqual([
      { sid, eof: false },
      { sid, eof: true },
      { sid, eof: true, code: 'UNKNOWN_SID' },
    ]);
    expect((await target.next()).data.toString()).toBe('bye');
    expect(test.node.stats().flows).toBe(0);
  });
});
