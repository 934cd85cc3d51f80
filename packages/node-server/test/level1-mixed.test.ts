import { describe, expect, test } from 'vitest';
import { VERSION } from '@millrace/protocol';
import { eventually } from './support/eventually.js';
import { b64, KEY, openStream, startTestNode, text } from './support/node.js';
import { startTarget } from './support/target.js';

describe('POST /tunnel', () => {
  test('a single connect, data and close work as in a batch, with `data` for the bytes', async () => {
    const test = await startTestNode();
    const target = await startTarget();
    const connected = await test.single({ op: 'connect', host: '127.0.0.1', port: target.port });
    expect(connected).toEqual({ sid: expect.any(String), eof: false, caps: 7 });
    const { sid } = connected;
    const peer = await target.next();
    const reply = test.single({ op: 'data', sid, data: b64('ask') });
    expect(await peer.readText(3)).toBe('ask');
    await peer.write('tell');
    expect(await reply).toEqual({ sid, d: b64('tell'), eof: false });
    expect(await test.single({ op: 'close', sid })).toEqual({ sid, eof: true });
    await peer.ended;
    expect(await test.single({ op: 'data', sid })).toEqual({ sid, eof: true, code: 'UNKNOWN_SID' });
  });

  test('a single connect_data sends `data` first; `d` means nothing there', async () => {
    const test = await startTestNode();
    const target = await startTarget();
    const reply = test.single({
      op: 'connect_data',
      host: '127.0.0.1',
      port: target.port,
      data: b64('first'),
      d: b64('no'),
    });
    const peer = await target.next();
    expect(await peer.readText(5)).toBe('first');
    await peer.write('back');
    expect(await reply).toEqual({ sid: expect.any(String), d: b64('back'), eof: false, caps: 7 });
    expect(peer.waiting).toBe(0);
  });

  test.each(['udp_open', 'udp_data', 'version', 'teleport'])('a single %s is not known', async (op) => {
    const test = await startTestNode();
    const reply = await test.single({ op, sid: 'x', host: '127.0.0.1', port: 9 });
    expect(reply).toEqual({ e: expect.any(String), code: 'UNSUPPORTED_OP' });
  });

  test('a single request that is wrong is answered with e and a code', async () => {
    const test = await startTestNode();
    expect(await test.single({ op: 'connect', host: '127.0.0.1' })).toEqual({
      e: expect.any(String),
      code: 'MESSAGE_INVALID',
    });
    expect(await test.single({})).toEqual({ e: expect.any(String), code: 'MESSAGE_INVALID' });
    expect(await test.single({ op: 'data', sid: 'x', data: 5 })).toEqual({
      e: expect.any(String),
      code: 'MESSAGE_INVALID',
    });
    expect(test.events).toContainEqual({ event: 'refused', code: 'MESSAGE_INVALID' });
  });
});

describe('peers of other versions', () => {
  test('a client that knows nothing of seq and caps gets the replies of the older form, in these very bytes', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const post = async (ops: string): Promise<string> =>
      (await test.post(`{"k":"${KEY}","ops":[${ops}]}`)).body.toString();
    await peer.write('hi');
    await eventually(() => test.node.stats().bufferedBytes === 2);
    expect(await post(`{"op":"data","sid":"${sid}"}`)).toBe(`{"r":[{"sid":"${sid}","d":"aGk=","eof":false}]}`);
    peer.end();
    expect(await post(`{"op":"data","sid":"${sid}"}`)).toBe(`{"r":[{"sid":"${sid}","eof":true}]}`);
    expect(await post(`{"op":"close","sid":"${sid}"}`)).toBe(`{"r":[{"sid":"${sid}","eof":true}]}`);
  });

  test('a client that writes null for absent fields is understood', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('hi');
    const [reply] = await test.batch([{ op: 'data', sid, host: null, port: null, d: null, seq: null, wseq: null }]);
    expect(reply).toEqual({ sid, d: b64('hi'), eof: false });
  });

  test('unknown fields are ignored, in the request and in its ops', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('hi');
    const answer = await test.post(
      JSON.stringify({ future: { deep: [1] }, k: KEY, ops: [{ op: 'data', sid, prio: 3, more: { x: 1 } }], zc: 7 }),
    );
    expect(JSON.parse(answer.body.toString())).toEqual({ r: [{ sid, d: b64('hi'), eof: false }] });
  });

  test('an unknown op costs its neighbours nothing', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('hi');
    const [unknown, known] = await test.batch([
      { op: 'data2', sid, seq: 4 },
      { op: 'data', sid },
    ]);
    expect(unknown).toEqual({ sid, e: expect.any(String), code: 'UNSUPPORTED_OP', seq: 4 });
    expect(known).toEqual({ sid, d: b64('hi'), eof: false });
  });

  test('a client may change from seq to none and back: each op is treated as what it is', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    for (const op of [{ seq: 0 }, {}, { seq: 1 }, { wseq: 0 }, { seq: 2 }]) {
      expect(text((await test.batch([{ op: 'data', sid, d: b64('x'), ...op }]))[0])).toBe('');
    }
    expect(await peer.readText(5)).toBe('xxxxx');
  });

  test('version says who answers and touches nothing', async () => {
    const test = await startTestNode();
    const [reply] = await test.batch([{ op: 'version' }]);
    expect(reply).toEqual({ caps: 7, v: VERSION, node: test.node.id, now: expect.any(Number) });
    expect(Object.keys(reply!)).toEqual(['caps', 'v', 'node', 'now']);
    expect(test.node.stats()).toMatchObject({ streams: 0, flows: 0 });
  });

  test('a seq of 53 bits is echoed exactly, and a larger one is an error on that op', async () => {
    const test = await startTestNode();
    const answer = await test.post(
      `{"k":"${KEY}","ops":[{"op":"data","sid":"x","seq":9007199254740991},{"op":"data","sid":"x","seq":9007199254740993}]}`,
    );
    const { r } = JSON.parse(answer.body.toString()) as { r: object[] };
    expect(r[0]).toEqual({ sid: 'x', eof: true, code: 'UNKNOWN_SID', seq: 9_007_199_254_740_991 });
    expect(r[1]).toMatchObject({ code: 'MESSAGE_INVALID' });
  });
});
