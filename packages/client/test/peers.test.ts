/** Who is behind the relays. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { failed } from '../src/carriers/carrier.js';
import { answerOf, unreached } from './support/fake-carrier.js';
import { FakeNode } from './support/fake-node.js';
import { eventOf, fakeTunnel, readBytes, until } from './support/setup.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('peers', () => {
  test('the node behind each relay is asked in the background and told as an event', async () => {
    await using setup = fakeTunnel({ count: 2 });
    for (const relay of ['http://relay0.test/', 'http://relay1.test/']) {
      const event = await eventOf(setup, 'peer', (peer) => peer.relay === relay);
      expect(event).toMatchObject({ version: '9.9.9', level: 1, caps: 1, node: 'fake' });
      expect(event.clockSkewMs).toBeTypeOf('number');
    }
  });

  test('probe tells for each relay who answered, or why nobody did', async () => {
    await using setup = fakeTunnel({ count: 2 });
    setup.carriers[1]!.handleVersion = () => failed('RELAY_HTML', 'fake relay: a page', true);
    const [first, second] = await setup.tunnel.probe();
    expect(first).toMatchObject({ relay: 'http://relay0.test/', peer: { node: 'fake', version: '9.9.9' } });
    expect(first!.checkpoints.map(({ step }) => step)).toEqual(['tcp', 'sent', 'relay-answered']);
    expect(first!.error).toBeUndefined();
    expect(second).toMatchObject({ relay: 'http://relay1.test/', error: { code: 'RELAY_HTML' } });
    expect(second!.peer).toBeUndefined();
  });

  test('an older node that does not know the question is a peer of level 1 without a version', async () => {
    await using setup = fakeTunnel({ node: { version: undefined } });
    const [result] = await setup.tunnel.probe();
    expect(result!.peer).toEqual({ event: 'peer', relay: 'http://relay0.test/', level: 1, caps: 0 });
  });

  test('probe can be aborted', async () => {
    await using setup = fakeTunnel();
    setup.carrier.handleVersion = () => new Promise(() => {});
    const abort = new AbortController();
    const probing = setup.tunnel.probe({ signal: abort.signal });
    abort.abort();
    await expect(probing).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('relays that lead to different nodes fail every open, with both their names', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const other = new FakeNode({ version: { v: '9.9.9', node: 'another', caps: 1 } });
    setup.carriers[1]!.node = other;
    await setup.tunnel.probe();
    const open = async () => {
      try {
        (await setup.tunnel.connect({ host: 'h', port: 1 })).reset();
        return undefined;
      } catch (error) {
        return error as Error;
      }
    };
    let error: Error | undefined;
    for (; error === undefined; await new Promise((resolve) => setImmediate(resolve))) error = await open();
    expect(error).toMatchObject({ code: 'PEER_DIFFERENT_NODES' });
    expect(error.message).toContain('http://relay0.test/');
    expect(error.message).toContain('http://relay1.test/');
    // Once they lead to the same node all is well again.
    setup.carriers[1]!.node = setup.node;
    await setup.tunnel.probe();
    await setup.tunnel.connect({ host: 'h', port: 1 });
  });

  test('a node that was restarted is not taken for two', async () => {
    await using setup = fakeTunnel({ count: 2 });
    await setup.tunnel.probe();
    setup.node.options.version = { v: '9.9.9', node: 'restarted', caps: 1 };
    // One relay hears of it before the other.
    setup.carriers[1]!.handleVersion = () => failed('RELAY_TIMEOUT', 'fake relay: not now', false);
    await setup.tunnel.probe();
    setup.carriers[1]!.handleVersion = () => undefined;
    await eventOf(setup, 'peer', ({ relay, node }) => relay === 'http://relay1.test/' && node === 'restarted');
    await setup.tunnel.connect({ host: 'h', port: 1 });
    expect(setup.events.filter(({ event }) => event === 'open-failed')).toHaveLength(0);
  });

  test('nor is it while one relay to it is down', async () => {
    await using setup = fakeTunnel({ count: 2 });
    await setup.tunnel.probe();
    setup.node.options.version = { v: '9.9.9', node: 'restarted', caps: 1 };
    setup.carriers[1]!.handleVersion = () => failed('RELAY_TIMEOUT', 'fake relay: not now', false);
    await setup.tunnel.probe();
    await eventOf(setup, 'exchange', ({ relay, code }) => relay === 'http://relay1.test/' && code !== undefined);
    for (let index = 0; index < 20; index += 1) {
      (await setup.tunnel.connect({ host: 'h', port: 1 })).reset();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(setup.events.filter(({ event }) => event === 'open-failed')).toHaveLength(0);
  });

  test('until it is known that relays lead to one node, a stream keeps to the relay that opened it', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, node, carriers } = setup;
    for (const carrier of carriers) carrier.handleVersion = () => failed('RELAY_EMPTY', 'fake relay: nothing', true);
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    const reader = stream.readable.getReader();
    const writer = stream.writable.getWriter();
    for (let round = 0; round < 10; round += 1) {
      await writer.write(Buffer.from('x'));
      await target.received.at(round);
      target.send('y');
      await readBytes(reader, 1);
    }
    const used = carriers.filter(({ sent }) => sent.all.length > 0);
    expect(used).toHaveLength(1);
  });

  test('a relay that has recovered is asked again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using setup = fakeTunnel();
    await eventOf(setup, 'peer');
    setup.carrier.handle = ({ index }) => (index === 0 ? unreached() : undefined);
    setup.node.options.version = { v: '10.0.0', node: 'new', caps: 1 };
    const connecting = setup.tunnel.connect({ host: 'h', port: 1 });
    await eventOf(setup, 'relay-failed');
    await vi.advanceTimersByTimeAsync(250);
    await connecting;
    expect(await eventOf(setup, 'peer', ({ version }) => version === '10.0.0')).toMatchObject({ node: 'new' });
  });

  test('a relay that answers version with a refusal is told as such', async () => {
    await using setup = fakeTunnel();
    setup.carrier.handleVersion = () => answerOf([{ e: 'too busy', code: 'NODE_BUSY' }]);
    const [result] = await setup.tunnel.probe();
    expect(result!.error).toMatchObject({ code: 'NODE_BUSY' });
    await until(() => true);
  });
});
