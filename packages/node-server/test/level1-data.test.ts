import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, KEY, openStream, startTestNode, text } from './support/node.js';
import { closedPort, startTarget } from './support/target.js';

describe('batches', () => {
  test('reply i answers op i, whatever order the ops come to their end in', async () => {
    const test = await startTestNode();
    const target = await startTarget();
    const first = await test.connect(target);
    const second = await test.connect(target);
    await second.peer.write('two');
    const replies = test.batch([
      { op: 'data', sid: first.sid, d: b64('one?') },
      { op: 'close', sid: '00000000-0000-4000-8000-000000000000' },
      { op: 'data', sid: second.sid },
      { op: 'connect', host: '127.0.0.1', port: await closedPort() },
      { op: 'version' },
    ]);
    await first.peer.read(4);
    await first.peer.write('one');
    const [r0, r1, r2, r3, r4, ...rest] = await replies;
    expect(r0).toEqual({ sid: first.sid, d: b64('one'), eof: false });
    expect(r1).toEqual({ sid: '00000000-0000-4000-8000-000000000000', eof: true });
    expect(r2).toEqual({ sid: second.sid, d: b64('two'), eof: false });
    expect(r3).toMatchObject({ code: 'DIAL_REFUSED' });
    expect(r4).toMatchObject({ caps: 7 });
    expect(rest).toEqual([]);
  });

  test('what a batch says to a script in between, t and zc, changes nothing in the answer', async () => {
    const { post } = await startTestNode();
    const ops = [{ op: 'data', sid: 'a' }];
    const plain = await post(JSON.stringify({ k: KEY, ops }));
    const more = await post(JSON.stringify({ k: KEY, t: 'batch', ops, zc: 1, caps: 3, cid: 'AAAA' }));
    expect(plain.body.toString()).toBe('{"r":[{"sid":"a","eof":true,"code":"UNKNOWN_SID"}]}');
    expect(more.body).toEqual(plain.body);
  });

  test('a bad op in a batch is an error on that op alone', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('still here');
    const replies = await test.batch([
      { op: 'data' },
      { op: 'connect', host: '127.0.0.1', port: 70_000 },
      { op: 'connect', host: '127.0.0.1' },
      { op: 'data', sid, d: 5 },
      { op: 'data', sid, d: 'not base64' },
      { op: 'data', sid },
      {},
    ]);
    expect(replies.map(({ code }) => code)).toEqual([
      'MESSAGE_INVALID',
      'MESSAGE_INVALID',
      'MESSAGE_INVALID',
      'MESSAGE_INVALID',
      'BASE64_INVALID',
      undefined,
      'MESSAGE_INVALID',
    ]);
    expect(replies[5]).toEqual({ sid, d: b64('still here'), eof: false });
  });

  test('an empty batch has no replies', async () => {
    const { batch } = await startTestNode();
    expect(await batch([])).toEqual([]);
  });

  test('a batch that is wrong as a whole is answered with e and a code', async () => {
    const { post } = await startTestNode();
    const asked = async (request: object): Promise<object> =>
      JSON.parse((await post(JSON.stringify({ k: KEY, ...request }))).body.toString()) as object;
    expect(await asked({})).toMatchObject({ e: expect.any(String), code: 'MESSAGE_INVALID' });
    expect(await asked({ ops: {} })).toMatchObject({ e: expect.any(String), code: 'MESSAGE_INVALID' });
    expect(await asked({ zops: 'H4sIAAAA' })).toMatchObject({ e: expect.any(String), code: 'MESSAGE_INVALID' });
    const tooMany = Array.from({ length: 1025 }, () => ({ op: 'version' }));
    expect(await asked({ ops: tooMany })).toMatchObject({ e: expect.any(String), code: 'MESSAGE_INVALID' });
  });
});

describe('data', () => {
  test('a data op writes its bytes and answers what the target sends', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid, d: b64('GET') }]);
    expect(await peer.readText(3)).toBe('GET');
    await peer.write('OK');
    expect(await reply).toEqual([{ sid, d: b64('OK'), eof: false }]);
  });

  test('a data op without bytes polls', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid }]);
    await eventually(() => test.node.stats().requests === 1);
    await peer.write('news');
    expect(await reply).toEqual([{ sid, d: b64('news'), eof: false }]);
  });

  test('an empty d is a poll too', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('news');
    expect(await test.batch([{ op: 'data', sid, d: '' }])).toEqual([{ sid, d: b64('news'), eof: false }]);
  });

  test('two data ops of one stream in a batch write in their order and share what came in that order', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const replies = test.batch([
      { op: 'data', sid, d: b64('first ') },
      { op: 'data', sid },
      { op: 'data', sid, d: b64('second') },
    ]);
    expect(await peer.readText(12)).toBe('first second');
    await peer.write('answer');
    const [r0, r1, r2] = await replies;
    expect([text(r0), text(r1), text(r2)]).toEqual(['answer', '', '']);
  });

  test('every byte value goes both ways unchanged', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const all = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const reply = test.batch([{ op: 'data', sid, d: b64(all) }]);
    expect(await peer.read(256)).toEqual(all);
    await peer.write(all.toReversed());
    expect(Buffer.from((await reply)[0]!['d'] as string, 'base64')).toEqual(Buffer.from(all.toReversed()));
  });

  test('an op that the node does not know is answered with UNSUPPORTED_OP', async () => {
    const { batch } = await startTestNode();
    const [reply] = await batch([{ op: 'teleport', sid: 'x', where: 'there' }]);
    expect(reply).toEqual({ sid: 'x', e: expect.any(String), code: 'UNSUPPORTED_OP' });
  });

  test('an unknown sid answers eof, with seq echoed and a code that tells it from an end', async () => {
    const { batch } = await startTestNode();
    const replies = await batch([
      { op: 'data', sid: 'gone' },
      { op: 'data', sid: 'gone', seq: 41 },
      { op: 'data', sid: 'gone', d: b64('x'), seq: 9_007_199_254_740_991 },
      { op: 'udp_data', sid: 'gone' },
      { op: 'close', sid: 'gone' },
    ]);
    expect(replies).toEqual([
      { sid: 'gone', eof: true, code: 'UNKNOWN_SID' },
      { sid: 'gone', eof: true, code: 'UNKNOWN_SID', seq: 41 },
      { sid: 'gone', eof: true, code: 'UNKNOWN_SID', seq: 9_007_199_254_740_991 },
      { sid: 'gone', eof: true, code: 'UNKNOWN_SID' },
      { sid: 'gone', eof: true },
    ]);
  });
});

describe('ends', () => {
  test('a target that ends its side is told by eof, and what the client still sends reaches it', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('last words');
    peer.end();
    await eventually(() => peer.socket.writableFinished);
    let said = '';
    for (let eof: unknown = false; eof !== true;) {
      const [reply] = await test.batch([{ op: 'data', sid }]);
      said += text(reply);
      eof = reply!['eof'];
    }
    expect(said).toBe('last words');
    expect(await test.batch([{ op: 'data', sid, d: b64('more') }])).toEqual([{ sid, eof: true }]);
    expect(await peer.readText(4)).toBe('more');
  });

  test('a target that resets is told as an error, never as an end', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid }]);
    await eventually(() => test.node.stats().requests === 1);
    peer.reset();
    expect(await reply).toEqual([{ sid, e: expect.any(String), code: 'TARGET_RESET' }]);
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, e: expect.any(String), code: 'TARGET_RESET' }]);
  });

  test('bytes that came before a reset are handed over before it is told', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('before');
    await eventually(() => test.node.stats().bufferedBytes === 6);
    peer.reset();
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, d: b64('before'), eof: false }]);
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, e: expect.any(String), code: 'TARGET_RESET' }]);
  });

  test('a client that stops writing goes on polling until eof', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    for (const piece of ['a', 'b', 'c']) {
      const reply = test.batch([{ op: 'data', sid }]);
      await eventually(() => test.node.stats().requests === 1);
      await peer.write(piece);
      expect(await reply).toEqual([{ sid, d: b64(piece), eof: false }]);
      await eventually(() => test.node.stats().requests === 0);
    }
    peer.end();
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, eof: true }]);
  });
});
