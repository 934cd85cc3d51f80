/** The tunnel as an application sees it. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { createGate, patternBytes } from '@millrace/testkit';
import { createTunnel } from '../src/tunnel/tunnel.js';
import { FakeCarrier, requestLost } from './support/fake-carrier.js';
import { FakeNode } from './support/fake-node.js';
import { eventOf, fakeTunnel, KEY, readToEnd, until } from './support/setup.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('tunnel', () => {
  test('connect resolves when the target was reached, and rejects with the result of the dial', async () => {
    const codes = ['DIAL_REFUSED', 'DIAL_TIMEOUT', 'DIAL_NAME_NOT_FOUND', 'POLICY_DENIED', 'NODE_BUSY'] as const;
    let code: string = '';
    await using setup = fakeTunnel({ node: { dial: () => (code === '' ? undefined : { e: 'no', code }) } });
    await setup.tunnel.connect({ host: 'h', port: 1 });
    for (code of codes) await expect(setup.tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code });
    expect(setup.events.filter(({ event }) => event === 'open-failed')).toHaveLength(codes.length);
  });

  test('with openReply early, connect resolves at once, and opened tells the result', async () => {
    const gate = createGate();
    await using setup = fakeTunnel({
      node: { dial: () => gate.opened.then(() => ({ e: 'no', code: 'DIAL_REFUSED' })) },
    });
    const stream = await setup.tunnel.connect({ host: 'h', port: 1, openReply: 'early' });
    const reading = stream.readable.getReader().read();
    const writing = stream.writable.getWriter().write(Buffer.from('x'));
    await writing;
    gate.open();
    await expect(stream.opened).rejects.toMatchObject({ code: 'DIAL_REFUSED' });
    await expect(reading).rejects.toMatchObject({ code: 'DIAL_REFUSED' });
    await expect(stream.closed).rejects.toMatchObject({ code: 'DIAL_REFUSED' });
  });

  test('reset cuts both sides here and closes at the node', async () => {
    await using setup = fakeTunnel();
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    const target = await setup.node.opened.next();
    const reading = stream.readable.getReader().read();
    const writer = stream.writable.getWriter();
    stream.reset('ABORTED');
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(writer.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(stream.closed).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await setup.node.closed.next()).toBe(target.sid);
    expect(await eventOf(setup, 'closed')).toMatchObject({ code: 'ABORTED' });
  });

  test('aborting after the open resets the stream', async () => {
    await using setup = fakeTunnel();
    const abort = new AbortController();
    const stream = await setup.tunnel.connect({ host: 'h', port: 1, signal: abort.signal });
    abort.abort();
    await expect(stream.closed).rejects.toMatchObject({ code: 'ABORTED' });
    await setup.node.closed.next();
  });

  test('aborting the writable drops what is not sent and ends that side only', async () => {
    await using setup = fakeTunnel({ node: { caps: undefined } });
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    const target = await setup.node.opened.next();
    await target.polled();
    const writer = stream.writable.getWriter();
    // A poll is out: nothing of this can be sent yet, and not all of it fits in.
    const write = writer.write(patternBytes(3_000_000, 1));
    await until(() => setup.tunnel.stats().unsentBytes > 0);
    await writer.abort();
    await write;
    expect(setup.tunnel.stats().unsentBytes).toBe(0);
    target.send('still readable');
    target.end();
    expect((await readToEnd(stream)).toString()).toBe('still readable');
    await stream.closed;
    expect(target.bytes).toHaveLength(0);
  });

  test('cancelling the readable ends that side only, and polling with it', async () => {
    await using setup = fakeTunnel();
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    const target = await setup.node.opened.next();
    await target.polled();
    await stream.readable.cancel();
    target.release();
    await until(() => setup.carrier.inFlight === 0);
    const writer = stream.writable.getWriter();
    await writer.write(Buffer.from('upload only'));
    await writer.close();
    await stream.closed;
    expect(target.bytes.toString()).toBe('upload only');
    await setup.node.closed.next();
  });

  test('writes wait when the stream holds as much as it may', async () => {
    const gate = createGate();
    await using setup = fakeTunnel();
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    const target = await setup.node.opened.next();
    setup.carrier.handle = () => gate.opened.then(() => undefined);
    const writer = stream.writable.getWriter();
    let written = false;
    const write = writer.write(patternBytes(9_000_000, 1)).then(() => {
      written = true;
    });
    await until(() => setup.tunnel.stats().unsentBytes === 2 * 1024 * 1024);
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    expect(setup.tunnel.stats().unsentBytes).toBe(2 * 1024 * 1024);
    gate.open();
    await write;
    target.end();
    await writer.close();
    expect(target.bytes.equals(patternBytes(9_000_000, 1))).toBe(true);
  });

  test('a write that waits rejects when the stream is cut', async () => {
    const gate = createGate();
    await using setup = fakeTunnel();
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    setup.carrier.handle = () => gate.opened.then(() => undefined);
    const writer = stream.writable.getWriter();
    const write = writer.write(patternBytes(9_000_000, 1));
    const close = writer.close();
    await until(() => setup.tunnel.stats().unsentBytes > 0);
    stream.reset();
    await expect(write).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
    await expect(close).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
    gate.open();
  });

  test('closing the tunnel resets what is open, tells the node, and leaves nothing', async () => {
    const setup = fakeTunnel({ count: 2 });
    const { tunnel, node, carriers } = setup;
    const streams = await Promise.all(
      Array.from({ length: 60 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })),
    );
    const udp = await tunnel.udp();
    udp.send({ host: 'u', port: 53, data: Buffer.from('x') });
    await until(() => node.targets.size === 61);
    await until(() => tunnel.stats().streams === 60);
    await tunnel.close();
    for (const stream of streams) await expect(stream.closed).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await expect(udp.closed).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    expect(node.targets.size).toBe(0);
    expect(carriers.every(({ closed, inFlight }) => closed && inFlight === 0)).toBe(true);
    expect(tunnel.stats()).toMatchObject({
      streams: 0,
      flows: 0,
      exchanges: 0,
      waiting: 0,
      receivedBytes: 0,
      unsentBytes: 0,
    });
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await expect(tunnel.udp()).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await expect(tunnel.probe()).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await tunnel.close();
  });

  test('closing does not wait for a relay that does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const setup = fakeTunnel();
    await setup.tunnel.connect({ host: 'h', port: 1 });
    setup.carrier.handle = () => new Promise(() => {});
    const closing = setup.tunnel.close();
    await vi.advanceTimersByTimeAsync(1_000);
    await closing;
  });

  test('an abort of the signal given to the tunnel closes it', async () => {
    const abort = new AbortController();
    const setup = fakeTunnel({ signal: abort.signal });
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    abort.abort();
    await expect(stream.closed).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await setup.tunnel.close();
    expect(setup.carrier.closed).toBe(true);
  });

  test('a tunnel is not opened with a signal that has aborted, or with wrong options', () => {
    const relays = [{ url: 'http://relay.test', kind: 'node' as const }];
    const open = (options: object) => () =>
      createTunnel({ key: KEY, relays, ...options }, () => new FakeCarrier(new FakeNode()));
    expect(open({ signal: AbortSignal.abort() })).toThrow(expect.objectContaining({ code: 'ABORTED' }));
    expect(open({ key: 'short' })).toThrow(expect.objectContaining({ code: 'KEY_WEAK' }));
  });

  test('targets are named in events and timings only where that is asked for', async () => {
    for (const logTargets of [false, true]) {
      await using setup = fakeTunnel({ logTargets });
      await setup.tunnel.connect({ host: 'secret.example', port: 443 });
      const said = JSON.stringify([setup.events, setup.tunnel.timings()]);
      expect(said.includes('secret.example')).toBe(logTargets);
    }
  });

  test('checkpoints of the last 256 opens are kept, and told as events where timing is set', async () => {
    await using setup = fakeTunnel({ timing: true });
    for (let index = 0; index < 260; index += 1) {
      const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
      stream.reset();
    }
    expect(setup.tunnel.timings()).toHaveLength(256);
    const ids = setup.tunnel.timings().map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    (await setup.node.opened.at(260)).send('x');
    await stream.readable.getReader().read();
    const timing = await eventOf(setup, 'timing');
    expect(timing.checkpoints.map(({ step }) => step)).toEqual([
      'attempt_1',
      'tcp',
      'sent',
      'relay-answered',
      'dialled',
      'first-byte',
    ]);
    const times = timing.checkpoints.map(({ ms }) => ms);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('events go to the hub that was given', async () => {
    const events = new EventHub<MillraceEvent>();
    const setup = fakeTunnel();
    const seen: MillraceEvent[] = [];
    events.subscribe((event) => seen.push(event));
    const tunnel = createTunnel(
      { key: KEY, relays: [{ url: 'http://r.test', kind: 'node' }], events },
      () => setup.carrier,
    );
    expect(tunnel.events).toBe(events);
    await tunnel.connect({ host: 'h', port: 1 });
    expect(seen.map(({ event }) => event)).toEqual(expect.arrayContaining(['open', 'opened', 'exchange', 'peer']));
    await tunnel.close();
    await setup.tunnel.close();
  });

  test('a stream that its node would reap is named to it now and then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using setup = fakeTunnel({ streamBufferBytes: 65_536 });
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    const target = await setup.node.opened.next();
    await target.polled();
    target.send(patternBytes(65_536, 1));
    await until(() => setup.tunnel.stats().receivedBytes === 65_536 && setup.carrier.inFlight === 0);
    const before = setup.carrier.sent.all.length;
    await vi.advanceTimersByTimeAsync(160_000);
    await setup.carrier.sent.at(before);
    target.end();
    expect((await readToEnd(stream)).equals(patternBytes(65_536, 1))).toBe(true);
  });

  test('an exchange that never comes back ends the stream in the end', async () => {
    await using setup = fakeTunnel();
    const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
    setup.carrier.handle = requestLost;
    setup.node.releasePolls();
    await stream.writable.getWriter().write(Buffer.from('x'));
    await expect(stream.closed).rejects.toMatchObject({ code: 'RELAY_TIMEOUT' });
  });
});
