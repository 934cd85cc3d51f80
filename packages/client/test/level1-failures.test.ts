/** What fails on the way, and what becomes of the streams. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createGate, PatternChecker, patternBytes } from '@millrace/testkit';
import { failed } from '../src/carriers/carrier.js';
import { answerLost, answerOf, requestLost, unreached } from './support/fake-carrier.js';
import { eventOf, fakeTunnel, readBytes, readToEnd, until } from './support/setup.js';

/** Timers and clocks stand still until a test moves them; the event loop goes on. */
function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
}

afterEach(() => {
  vi.useRealTimers();
});

describe('failures on the way', () => {
  test('an open that did not get through goes over another relay, unseen', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, node, carriers } = setup;
    carriers[0]!.handle = unreached;
    for (let index = 0; index < 4; index += 1) {
      const stream = await tunnel.connect({ host: 'h', port: 1, firstBytes: Buffer.from('hello') });
      const target = await node.opened.next();
      expect(target.bytes.toString()).toBe('hello');
      stream.reset();
    }
    expect(setup.events.filter(({ event }) => event === 'open-failed')).toHaveLength(0);
  });

  test('a relay that never answered gets no open while another one works', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, carriers } = setup;
    const [bad, good] = [carriers[0]!, carriers[1]!];
    bad.handleVersion = () => failed('RELAY_HTML', 'a page', true);
    bad.handle = () => failed('RELAY_HTML', 'a page', true);
    await eventOf(setup, 'peer');
    for (let index = 0; index < 12; index += 1) (await tunnel.connect({ host: 'h', port: 1 })).reset();
    expect(good.sent.all.some(({ ops }) => ops.some(({ op }) => op === 'connect'))).toBe(true);
    expect(bad.sent.all.flatMap(({ ops }) => ops).filter(({ op }) => op !== 'version')).toEqual([]);
  });

  test('a relay that failed once gets opens again once a probe has worked', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, carriers } = setup;
    const flaky = carriers[0]!;
    let broken = true;
    flaky.handleVersion = () => (broken ? failed('RELAY_OFFLINE', 'not there', false) : undefined);
    await eventOf(setup, 'relay-failed');
    broken = false;
    const connects = () => flaky.sent.all.flatMap(({ ops }) => ops).filter(({ op }) => op === 'connect');
    while (connects().length === 0) (await tunnel.connect({ host: 'h', port: 1 })).reset();
  });

  test('with one relay, an open that did not get through is tried again after a rest', async () => {
    stopTime();
    await using setup = fakeTunnel();
    const { tunnel, node, carrier } = setup;
    await eventOf(setup, 'peer');
    carrier.handle = ({ index }) => (index < 2 ? unreached() : undefined);
    const connecting = tunnel.connect({ host: 'h', port: 1 });
    expect(await eventOf(setup, 'relay-failed')).toMatchObject({ code: 'RELAY_OFFLINE', restMs: 250 });
    await vi.advanceTimersByTimeAsync(250);
    await until(() => carrier.sent.all.length === 2);
    await vi.advanceTimersByTimeAsync(500);
    await connecting;
    await node.opened.next();
    expect(await eventOf(setup, 'relay-works')).toMatchObject({ relay: 'http://relay0.test/' });
    expect(tunnel.timings()[0]!.checkpoints.map(({ step }) => step)).toEqual([
      'attempt_1',
      'tcp',
      'sent',
      'relay-answered',
      'attempt_2',
      'tcp',
      'sent',
      'relay-answered',
      'attempt_3',
      'tcp',
      'sent',
      'relay-answered',
      'dialled',
    ]);
  });

  test('an open fails with the cause when every relay has failed for good', async () => {
    await using setup = fakeTunnel({ count: 2 });
    for (const carrier of setup.carriers) carrier.handle = () => failed('RELAY_AUTH', 'fake relay: wrong key', false);
    await expect(setup.tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'RELAY_AUTH' });
    const event = await eventOf(setup, 'open-failed');
    expect(event).toMatchObject({ code: 'RELAY_AUTH', kind: 'stream' });
    expect(event.checkpoints!.map(({ step }) => step)).toContain('attempt_2');
  });

  test('an open whose fate is not known fails with the cause, and nothing is dialled twice', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, node, carriers } = setup;
    for (const carrier of carriers) carrier.handle = answerLost;
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'RELAY_TRUNCATED' });
    expect(node.ops.filter(({ op }) => op === 'connect')).toHaveLength(1);
  });

  test('a data op that surely was not run is sent again, on streams with and without seq', async () => {
    // An accident: the relay need not rest for it.
    const late = failed('RELAY_TIMEOUT', 'fake relay: not reached in time', false);
    for (const caps of [undefined, 1]) {
      await using setup = fakeTunnel({ count: 2, node: { caps } });
      const { tunnel, node, carriers } = setup;
      let count = 0;
      for (const carrier of carriers) {
        // Every third batch of data does not get through.
        carrier.handle = ({ ops }) =>
          ops.some(({ op }) => op === 'data') && (count += 1) % 3 === 0 ? late : undefined;
      }
      const stream = await tunnel.connect({ host: 'h', port: 1 });
      const target = await node.opened.next();
      const writer = stream.writable.getWriter();
      const reader = stream.readable.getReader();
      for (let round = 0; round < 30; round += 1) {
        await target.polled();
        target.send(patternBytes(1_000, 1, round * 1_000));
        new PatternChecker(1, round * 1_000).push(await readBytes(reader, 1_000));
        await writer.write(patternBytes(1_000, 2, round * 1_000));
        node.releasePolls();
      }
      await until(() => target.bytes.length === 30_000 || (target.release(), false));
      new PatternChecker(2).push(target.bytes);
      stream.reset();
    }
  });

  test('without seq, a lost answer ends the stream with the cause, even that of a poll: it may have carried bytes', async () => {
    await using setup = fakeTunnel({ node: { caps: undefined } });
    const { tunnel, node, carrier } = setup;
    carrier.handle = (exchange) => (exchange.ops.some(({ op }) => op === 'data') ? answerLost(exchange) : undefined);
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    target.send('lost');
    await expect(readToEnd(stream)).rejects.toMatchObject({ code: 'RELAY_TRUNCATED' });
    await expect(stream.closed).rejects.toMatchObject({ code: 'RELAY_TRUNCATED' });
    expect(await node.closed.next()).toBe(target.sid);
  });

  test('with seq, a request that got lost on the way is sent again under its number, and no byte is missing', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, node, carriers } = setup;
    let count = 0;
    for (const carrier of carriers) {
      carrier.handle = ({ ops }) =>
        ops.some(({ op }) => op === 'data') && (count += 1) % 4 === 0 ? requestLost() : undefined;
    }
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    for (let round = 0; round < 20; round += 1) {
      await writer.write(patternBytes(3_000, 2, round * 3_000));
      target.send(patternBytes(3_000, 1, round * 3_000));
      new PatternChecker(1, round * 3_000).push(await readBytes(reader, 3_000));
    }
    await until(() => target.bytes.length === 60_000);
    new PatternChecker(2).push(target.bytes);
  });

  test('with seq, a lost answer ends the stream with the cause: what it drained is gone', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    let lost = false;
    carrier.handle = (exchange) => {
      if (lost || !exchange.ops.some(({ d }) => d !== undefined)) return undefined;
      lost = true;
      return answerLost(exchange);
    };
    await stream.writable.getWriter().write(Buffer.from('once'));
    await expect(stream.closed).rejects.toMatchObject({ code: 'RELAY_TRUNCATED' });
    expect(target.bytes.toString()).toBe('once');
    expect(node.ops.filter(({ d }) => d !== undefined)).toHaveLength(2);
  });

  test('with all places busy for a minute no stream dies', async () => {
    stopTime();
    const account = { name: 'a', maxConcurrent: 2 };
    await using setup = fakeTunnel({
      accounts: [account],
      relays: [{ url: 'http://relay0.test', kind: 'node', account: 'a' }],
      exchangeTimeoutMs: 10_000,
    });
    const { tunnel, node, carrier } = setup;
    await eventOf(setup, 'peer');
    const streams = await Promise.all(
      Array.from({ length: 5 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })),
    );
    const gate = createGate();
    carrier.handle = () => gate.opened.then(() => undefined);
    node.releasePolls();
    for (const stream of streams) void stream.writable.getWriter().write(Buffer.from('late'));
    await until(() => carrier.inFlight === 2);
    await vi.advanceTimersByTimeAsync(61_000);
    expect(carrier.mostInFlight).toBe(2);
    expect(tunnel.stats()).toMatchObject({ streams: 5, exchanges: 2 });
    gate.open();
    for (const target of node.targets.values())
      expect(Buffer.from(await target.received.at(0)).toString()).toBe('late');
    expect(setup.events.filter(({ event }) => event === 'closed')).toHaveLength(0);
  });

  test('a stream for which every relay rests ends with the cause, though not soon', async () => {
    stopTime();
    await using setup = fakeTunnel();
    const { tunnel, node, carrier } = setup;
    await eventOf(setup, 'peer');
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    let ended: unknown;
    stream.closed.catch((error: unknown) => {
      ended = error;
    });
    carrier.handle = unreached;
    carrier.handleVersion = unreached;
    await stream.writable.getWriter().write(Buffer.from('x'));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(ended).toBeUndefined();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(ended).toMatchObject({ code: 'RELAY_OFFLINE' });
    // Closing takes its time with a relay that rests.
    vi.useRealTimers();
  });

  test('replies that are too few, an error of the whole batch, a page: each ends what it carried with its own code', async () => {
    const answers: Array<[string, () => ReturnType<typeof answerOf>]> = [
      ['REPLY_COUNT', () => answerOf([{}, {}])],
      ['RELAY_STATUS', () => ({ ok: true, body: Buffer.from('{"e":"something odd"}') })],
      ['RELAY_TIMEOUT', () => ({ ok: true, body: Buffer.from('{"e":"late","code":"RELAY_TIMEOUT"}') })],
      ['RELAY_BODY', () => ({ ok: true, body: Buffer.from('gibberish') })],
      ['RELAY_TRUNCATED', () => ({ ok: true, body: Buffer.from('{"r":[{"sid":"a"') })],
    ];
    for (const [code, answer] of answers) {
      await using setup = fakeTunnel();
      setup.carrier.handle = answer;
      await expect(setup.tunnel.connect({ host: 'h', port: 1 }), code).rejects.toMatchObject({ code });
      expect(setup.carrier.sent.all).toHaveLength(1);
    }
  });

  test('a relay that says that its node is down has run nothing: another one is tried', async () => {
    await using setup = fakeTunnel({ count: 2 });
    const { tunnel, carriers } = setup;
    let down = 0;
    for (const carrier of carriers) {
      carrier.handle = () =>
        (down += 1) === 1 ? { ok: true, body: Buffer.from('{"e":"no node","code":"RELAY_NODE_DOWN"}') } : undefined;
    }
    await tunnel.connect({ host: 'h', port: 1 });
    expect(await eventOf(setup, 'relay-failed')).toMatchObject({ code: 'RELAY_NODE_DOWN' });
  });

  test('an application that aborts an open hears of it at once, and the node of a close', async () => {
    const gate = createGate();
    await using setup = fakeTunnel({ node: { dial: () => gate.opened.then(() => undefined) } });
    const { tunnel, node, carrier } = setup;
    const abort = new AbortController();
    const connecting = tunnel.connect({ host: 'h', port: 1, signal: abort.signal });
    await carrier.sent.at(0);
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' });
    gate.open();
    const target = await node.opened.next();
    expect(await node.closed.next()).toBe(target.sid);
    await expect(tunnel.connect({ host: 'h', port: 1, signal: abort.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('an open that is aborted before it left never leaves', async () => {
    const gate = createGate();
    await using setup = fakeTunnel({
      accounts: [{ name: 'a', maxConcurrent: 1 }],
      relays: [{ url: 'http://relay0.test', kind: 'node', account: 'a' }],
    });
    const { tunnel, node, carrier } = setup;
    carrier.handle = () => gate.opened.then(() => undefined);
    const first = tunnel.connect({ host: 'first', port: 1 });
    await carrier.sent.at(0);
    const abort = new AbortController();
    const second = tunnel.connect({ host: 'second', port: 1, signal: abort.signal });
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
    gate.open();
    await first;
    expect(node.ops.filter(({ host }) => host === 'second')).toHaveLength(0);
  });

  test('the carrier is given at least a minute for batches with seq, and exchangeTimeoutMs for others', async () => {
    await using setup = fakeTunnel({ exchangeTimeoutMs: 5_000 });
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    await (await node.opened.next()).polled();
    await stream.writable.getWriter().write(Buffer.from('x'));
    const [open, poll, write] = await Promise.all([carrier.sent.at(0), carrier.sent.at(1), carrier.sent.at(2)]);
    expect(open.options.timeoutMs).toBe(5_000);
    expect(poll.options.timeoutMs).toBe(60_000);
    expect(write.options.timeoutMs).toBe(60_000);
  });
});
