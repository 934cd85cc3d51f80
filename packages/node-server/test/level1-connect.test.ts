import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, startClockedNode, startTestNode, text } from './support/node.js';
import { closedPort, startTarget } from './support/target.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('connect', () => {
  test('a connect answers the sid, a UUID, and the capabilities, in the order of the spec', async () => {
    const { post } = await startTestNode();
    const target = await startTarget();
    const answer = await post(
      `{"k":"test-Key_0123456789.abcXYZ","ops":[{"op":"connect","host":"127.0.0.1","port":${target.port}}]}`,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    const body = answer.body.toString();
    const sid = /"sid":"([^"]*)"/.exec(body)![1];
    expect(sid).toMatch(UUID);
    expect(body).toBe(`{"r":[{"sid":"${sid}","eof":false,"caps":7}]}`);
  });

  test('a connect takes no bytes from a target that speaks first: they come with the next op', async () => {
    const { batch, connect } = await startTestNode();
    const { sid, peer } = await connect(await startTarget());
    await peer.write('hello');
    const [reply] = await batch([{ op: 'data', sid }]);
    expect(reply).toEqual({ sid, d: b64('hello'), eof: false });
  });

  test('a connect to a port that nobody listens on is an error with its code, and opens nothing', async () => {
    const { batch, node } = await startTestNode();
    const [reply] = await batch([{ op: 'connect', host: '127.0.0.1', port: await closedPort() }]);
    expect(reply).toMatchObject({ code: 'DIAL_REFUSED', e: expect.any(String) });
    expect(reply).not.toHaveProperty('sid');
    expect(node.stats()).toMatchObject({ streams: 0, opening: 0 });
  });

  test('a dial that is not answered ends after ten seconds', async () => {
    const { batch, clock, node } = await startClockedNode({
      lookup: () => new Promise(() => {}),
    });
    const reply = batch([{ op: 'connect', host: 'never.example.org', port: 80 }]);
    await clock.scheduled(10_000);
    clock.advance(9_999);
    expect(node.stats().opening).toBe(1);
    clock.advance(1);
    expect((await reply)[0]).toMatchObject({ code: 'DIAL_TIMEOUT' });
  });

  test('ten dials of one batch are under way at once', async () => {
    const waiting: Array<() => void> = [];
    const { batch, node } = await startTestNode({
      lookup: () => new Promise((resolve) => waiting.push(() => resolve([{ address: '127.0.0.1', family: 4 }]))),
    });
    const target = await startTarget();
    const replies = batch(
      Array.from({ length: 10 }, (_, n) => ({ op: 'connect', host: `n${n}.example.org`, port: target.port })),
    );
    await eventually(() => waiting.length === 10);
    expect(node.stats().opening).toBe(10);
    for (const resolve of waiting) resolve();
    expect((await replies).every(({ sid }) => typeof sid === 'string')).toBe(true);
  });
});

describe('connect_data', () => {
  test('a connect_data dials, writes its bytes first and answers what came back', async () => {
    const { batch } = await startTestNode();
    const target = await startTarget();
    const reply = batch([{ op: 'connect_data', host: '127.0.0.1', port: target.port, d: b64('ping') }]);
    const peer = await target.next();
    expect(await peer.readText(4)).toBe('ping');
    await peer.write('pong');
    expect((await reply)[0]).toEqual({ sid: expect.stringMatching(UUID), d: b64('pong'), eof: false, caps: 7 });
  });

  test('a connect_data without bytes waits for a target that speaks first', async () => {
    const { batch } = await startTestNode();
    const target = await startTarget();
    const reply = batch([{ op: 'connect_data', host: '127.0.0.1', port: target.port }]);
    await (await target.next()).write('220 hello');
    expect(text((await reply)[0])).toBe('220 hello');
  });

  test('a connect_data whose bytes cannot be decoded dials nobody', async () => {
    const { batch, events } = await startTestNode();
    const target = await startTarget();
    const [reply] = await batch([{ op: 'connect_data', host: '127.0.0.1', port: target.port, d: 'a-b_' }]);
    expect(reply).toMatchObject({ code: 'BASE64_INVALID' });
    expect(events.filter(({ event }) => event === 'open')).toEqual([]);
  });
});
