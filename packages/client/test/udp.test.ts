/** UDP associations over fake relays. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createGate } from '@millrace/testkit';
import type { Datagram } from '../src/tunnel/types.js';
import { answerLost, unreached } from './support/fake-carrier.js';
import { eventOf, fakeTunnel, until } from './support/setup.js';

const text = ({ data }: { data: Uint8Array }): string => Buffer.from(data).toString();
const datagram = (host: string, data: string, port = 53): Datagram => ({ host, port, data: Buffer.from(data) });

afterEach(() => {
  vi.useRealTimers();
});

describe('udp', () => {
  test('the first datagram to a target opens its flow, the others follow, answers carry the target', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    const reader = udp.readable.getReader();
    udp.send(datagram('one.test', 'first'));
    udp.send(datagram('two.test', 'other'));
    udp.send(datagram('one.test', 'second'));
    const [one, two] = await Promise.all([node.opened.at(0), node.opened.at(1)]);
    expect(one.open).toMatchObject({ op: 'udp_open', host: 'one.test', port: 53 });
    expect(two.open).toMatchObject({ op: 'udp_open', host: 'two.test', port: 53 });
    expect(text({ data: await one.received.at(1) })).toBe('second');
    expect(node.ops.filter(({ op }) => op === 'udp_open')).toHaveLength(2);
    two.send('answer');
    const got = (await reader.read()).value as Datagram;
    expect([got.host, got.port, text(got)]).toEqual(['two.test', 53, 'answer']);
    await eventOf(setup, 'opened', ({ kind }) => kind === 'flow');
  });

  test('a buffer may be reused as soon as send returns, and datagrams keep their borders', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    const data = Buffer.alloc(4);
    for (let index = 0; index < 100; index += 1) {
      data.writeUInt32BE(index);
      udp.send({ host: 'h', port: 1, data });
    }
    udp.send({ host: 'h', port: 1, data: new Uint8Array(0) });
    const target = await node.opened.next();
    await target.received.at(100);
    const numbers = target.received.all.map((piece) =>
      piece.byteLength === 4 ? Buffer.from(piece).readUInt32BE() : -1,
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual([-1, ...Array.from({ length: 100 }, (_, index) => index)]);
  });

  test('an open never blocks datagrams to other targets', async () => {
    const gate = createGate();
    await using setup = fakeTunnel({
      node: { dial: (op) => (op.host === 'slow' ? gate.opened.then(() => undefined) : undefined) },
    });
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    for (let index = 0; index < 5; index += 1) udp.send(datagram('slow', `s${index}`));
    for (let index = 0; index < 5; index += 1) udp.send(datagram('quick', `q${index}`));
    const quick = await node.opened.next();
    await quick.received.at(4);
    expect(quick.received.all.map((data) => text({ data }))).toEqual(['q0', 'q1', 'q2', 'q3', 'q4']);
    gate.open();
    const slow = await node.opened.next();
    await slow.received.at(4);
    expect(udp.dropped).toBe(0);
  });

  test('a full queue drops its oldest datagrams and counts them', async () => {
    const gate = createGate();
    await using setup = fakeTunnel({ node: { dial: () => gate.opened.then(() => undefined) } });
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    udp.send(datagram('h', 'opens'));
    await setup.carrier.sent.at(0);
    for (let index = 0; index < 300; index += 1) udp.send(datagram('h', `d${index}`));
    expect(udp.dropped).toBe(300 - 256);
    expect(await eventOf(setup, 'dropped')).toMatchObject({ count: 1, code: 'QUEUE_FULL' });
    gate.open();
    const target = await node.opened.next();
    await target.received.at(256);
    const got = target.received.all.map((data) => text({ data }));
    expect(got[0]).toBe('opens');
    expect(got.slice(1).toSorted()).toEqual(Array.from({ length: 256 }, (_, index) => `d${index + 44}`).toSorted());
  });

  test('datagrams that nobody reads are dropped, oldest first, and counted', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    udp.send(datagram('h', 'hi'));
    const target = await node.opened.next();
    for (let index = 0; index < 2_000; index += 1) target.send(`${index}`);
    await until(() => udp.dropped > 0);
    expect(udp.dropped).toBe(2_000 - 1_024);
    const reader = udp.readable.getReader();
    expect(text((await reader.read()).value as Datagram)).toBe(`${2_000 - 1_024}`);
  });

  test('a flow without datagrams expires, and the next datagram opens another', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using setup = fakeTunnel({ flowIdleSeconds: 3 });
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    udp.send(datagram('h', 'one'));
    const first = await node.opened.next();
    await first.polled();
    await vi.advanceTimersByTimeAsync(2_000);
    udp.send(datagram('h', 'two'));
    await first.received.at(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(tunnel.stats().flows).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tunnel.stats().flows).toBe(0);
    expect(await eventOf(setup, 'closed')).toMatchObject({ kind: 'flow', bytesUp: 6 });
    expect(await node.closed.next()).toBe(first.sid);
    udp.send(datagram('h', 'three'));
    expect(text({ data: await (await node.opened.next()).received.at(0) })).toBe('three');
  });

  test('a flow that the node has forgotten is opened again by the next datagram', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    udp.send(datagram('h', 'one'));
    const first = await node.opened.next();
    await first.polled();
    node.targets.clear();
    first.release();
    await until(() => tunnel.stats().flows === 0);
    udp.send(datagram('h', 'two'));
    expect(text({ data: await (await node.opened.next()).received.at(0) })).toBe('two');
  });

  test('an open that fails is an event, and the next datagram tries again', async () => {
    let refuse = true;
    await using setup = fakeTunnel({
      node: { dial: () => (refuse ? { e: 'denied', code: 'POLICY_DENIED' } : undefined) },
    });
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    udp.send(datagram('h', 'one'));
    expect(await eventOf(setup, 'open-failed')).toMatchObject({ kind: 'flow', code: 'POLICY_DENIED' });
    await until(() => tunnel.stats().flows === 0);
    refuse = false;
    udp.send(datagram('h', 'two'));
    expect(text({ data: await (await node.opened.next()).received.at(0) })).toBe('two');
  });

  test('an open that did not get through is tried over another relay; one whose fate is not known is not', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, node, carriers } = setup;
    carriers[0]!.handle = unreached;
    const udp = await tunnel.udp();
    udp.send(datagram('a', 'one'));
    udp.send(datagram('b', 'two'));
    await Promise.all([node.opened.next(), node.opened.next()]);
    for (const carrier of carriers) carrier.handle = answerLost;
    udp.send(datagram('c', 'three'));
    expect(await eventOf(setup, 'open-failed')).toMatchObject({ code: 'RELAY_TRUNCATED' });
    expect(node.ops.filter(({ host }) => host === 'c')).toHaveLength(1);
  });

  test('datagrams lost on the way are lost, and the flow goes on', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node, carrier } = setup;
    const udp = await tunnel.udp();
    const reader = udp.readable.getReader();
    udp.send(datagram('h', 'one'));
    const target = await node.opened.next();
    await target.polled();
    carrier.handle = ({ ops }) => (ops.some(({ d }) => d !== undefined) ? unreached() : undefined);
    udp.send(datagram('h', 'lost'));
    await eventOf(setup, 'relay-failed');
    carrier.handle = () => undefined;
    target.send('still here');
    expect(text((await reader.read()).value as Datagram)).toBe('still here');
  });

  test('closing ends its flows at the node, its readable, and nothing more is sent', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const abort = new AbortController();
    for (const end of ['close', 'abort'] as const) {
      const udp = await tunnel.udp({ signal: abort.signal });
      udp.send(datagram('h', 'x'));
      const target = await node.opened.next();
      if (end === 'close') udp.close();
      else abort.abort();
      await udp.closed;
      expect((await udp.readable.getReader().read()).done).toBe(true);
      expect(await node.closed.next()).toBe(target.sid);
      udp.send(datagram('h', 'y'));
      expect(target.received.all).toHaveLength(1);
    }
    expect(tunnel.stats().flows).toBe(0);
  });

  test('what no target can be is refused', async () => {
    await using setup = fakeTunnel();
    const udp = await setup.tunnel.udp();
    for (const bad of [
      datagram('', 'x'),
      datagram('h', 'x', 0),
      datagram('h', 'x', 65_536),
      datagram('h'.repeat(256), 'x'),
    ]) {
      expect(() => udp.send(bad)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    }
    expect(() => udp.send({ host: 'h', port: 1, data: new Uint8Array(65_508) })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  test('of many targets, those idle for longest make room', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const udp = await tunnel.udp();
    for (let index = 0; index < 300; index += 1) udp.send(datagram(`h${index}`, 'x'));
    expect(tunnel.stats().flows).toBe(256);
    await until(() => tunnel.stats().waiting <= 256 && node.targets.size >= 256);
    expect(tunnel.stats().flows).toBe(256);
  });
});
