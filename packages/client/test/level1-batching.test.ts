/** What travels together, and what does not. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createGate, patternBytes } from '@millrace/testkit';
import type { FakeExchange } from './support/fake-carrier.js';
import { fakeTunnel, KEY, readBytes, until, eventOf } from './support/setup.js';

const polls = ({ ops }: FakeExchange) => ops.filter(({ op, d }) => op === 'data' && d === undefined);

afterEach(() => {
  vi.useRealTimers();
});

describe('batches', () => {
  test('polls of idle streams share one exchange', async () => {
    await using setup = fakeTunnel({ batchWaitMs: 20 });
    const { tunnel, node, carrier } = setup;
    await Promise.all(Array.from({ length: 40 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })));
    for (const target of node.targets.values()) await target.polled();
    // However their first polls went out: once they come back together, they leave together.
    node.releasePolls();
    await until(() => carrier.sent.all.some((exchange) => polls(exchange).length === 40));
    expect(carrier.inFlight).toBe(1);
    expect(tunnel.stats().exchanges).toBe(1);
  });

  test('an answer to one idle stream brings the others back, and no stream is polled twice at once', async () => {
    await using setup = fakeTunnel({ batchWaitMs: 5 });
    const { tunnel, node, carrier } = setup;
    const streams = await Promise.all(
      Array.from({ length: 10 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })),
    );
    const opened = [...node.targets.values()];
    const targets = streams.map((_, index) => opened.find(({ open }) => open.host === `h${index}`)!);
    for (const [index, target] of targets.entries()) {
      await target.polled();
      target.send(`for ${index}`);
      expect((await readBytes(streams[index]!.readable.getReader(), 5)).toString()).toBe(`for ${index}`);
    }
    for (const target of targets) await target.polled();
    for (const exchange of carrier.sent.all) {
      expect(new Set(polls(exchange).map(({ sid }) => sid)).size).toBe(polls(exchange).length);
    }
  });

  test.each([2, 8, 30])(
    'of %i places, streams that have gone quiet leave some for opens and bytes',
    async (maxConcurrent) => {
      await using setup = fakeTunnel({
        accounts: [{ name: 'a', maxConcurrent }],
        relays: [{ url: 'http://relay0.test', kind: 'node', account: 'a' }],
      });
      const { tunnel, node } = setup;
      // More streams than the account bears requests; the node holds each poll for as long as nothing comes.
      for (let index = 0; index < 40; index += 1) {
        const stream = await tunnel.connect({ host: `h${index}`, port: 1 });
        const target = [...node.targets.values()].at(-1)!;
        const writer = stream.writable.getWriter();
        target.send('hello');
        await writer.write(patternBytes(5, index));
        expect((await readBytes(stream.readable.getReader(), 5)).toString()).toBe('hello');
        await until(() => target.bytes.equals(patternBytes(5, index)));
      }
    },
  );

  test('polls that the node holds one by one are gathered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using setup = fakeTunnel();
    const { tunnel, node, carrier } = setup;
    const streams = [];
    for (let index = 0; index < 7; index += 1) {
      streams.push(await tunnel.connect({ host: `h${index}`, port: 1 }));
      const target = await node.opened.at(index);
      await target.polled();
    }
    const held = carrier.inFlight;
    expect(held).toBeGreaterThan(4);
    await vi.advanceTimersByTimeAsync(2_000);
    await until(() => carrier.inFlight <= 2);
    for (const [index, stream] of streams.entries()) {
      const target = await node.opened.at(index);
      await target.polled();
      target.send(patternBytes(1_000, index));
      expect((await readBytes(stream.readable.getReader(), 1_000)).equals(patternBytes(1_000, index))).toBe(true);
    }
  });

  test('polls that are held make room at once when one has no place', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using setup = fakeTunnel({
      accounts: [{ name: 'a', maxConcurrent: 6 }],
      relays: [{ url: 'http://relay0.test', kind: 'node', account: 'a' }],
    });
    const { tunnel, node } = setup;
    // Each has had bulk, and goes quiet: it leaves a poll that the node holds.
    for (let index = 0; index < 10; index += 1) {
      const stream = await tunnel.connect({ host: `h${index}`, port: 1 });
      const target = await node.opened.at(index);
      const reader = stream.readable.getReader();
      for (let round = 0; round < 3; round += 1) {
        target.send(patternBytes(100_000, index, round * 100_000));
        const reading = readBytes(reader, 100_000);
        // Less than a second: nobody waits for what the node holds.
        await vi.advanceTimersByTimeAsync(900);
        expect((await reading).equals(patternBytes(100_000, index, round * 100_000))).toBe(true);
      }
    }
  });

  test('a batch has at most 50 ops', async () => {
    await using setup = fakeTunnel({ batchWaitMs: 20 });
    const { tunnel, node, carrier } = setup;
    await Promise.all(Array.from({ length: 120 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })));
    for (const target of node.targets.values()) await target.polled();
    node.releasePolls();
    await until(() => carrier.inFlight > 0 && [...node.targets.values()].length === 120);
    for (const target of node.targets.values()) await target.polled();
    expect(Math.max(...carrier.sent.all.map(({ ops }) => ops.length))).toBeLessThanOrEqual(50);
  });

  test('a batch has at most 4 MiB of payload, and uploads of several streams share it', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node, carrier } = setup;
    await Promise.all(
      Array.from({ length: 6 }, async (_, seed) => {
        const stream = await tunnel.connect({ host: `h${seed}`, port: 1 });
        const target = [...node.targets.values()].find(({ open }) => open.host === `h${seed}`)!;
        const writer = stream.writable.getWriter();
        await writer.write(patternBytes(6_000_000, seed));
        target.end();
        await writer.close();
        expect(target.bytes.equals(patternBytes(6_000_000, seed))).toBe(true);
      }),
    );
    for (const { ops } of carrier.sent.all) {
      const payload = ops.reduce((sum, { d }) => sum + ((d?.length ?? 0) / 4) * 3, 0);
      expect(payload).toBeLessThanOrEqual(4 * 1024 * 1024 + 2 * ops.length);
    }
  });

  test('opens wait for no company, and a slow dial holds no other open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const gate = createGate();
    await using setup = fakeTunnel({
      batchWaitMs: 1_000,
      node: { dial: (op) => (op.host === 'slow' ? gate.opened.then(() => undefined) : undefined) },
    });
    const { tunnel } = setup;
    const slow = tunnel.connect({ host: 'slow', port: 1 });
    // Time stands still: nothing here can have waited.
    await Promise.all(Array.from({ length: 7 }, (_, index) => tunnel.connect({ host: `quick${index}`, port: 1 })));
    gate.open();
    await slow;
  });

  test('first bytes wait for no company while others are busy', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using setup = fakeTunnel({ batchWaitMs: 1_000 });
    const { tunnel, node, carrier } = setup;
    const busy = tunnel.connect({ host: 'busy', port: 1 });
    const gate = createGate();
    carrier.handle = ({ ops }) =>
      ops.some(({ host }) => host === 'busy') ? gate.opened.then(() => undefined) : undefined;
    await carrier.sent.at(0);
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await stream.writable.getWriter().write(Buffer.from('first'));
    expect(Buffer.from(await target.received.at(0)).toString()).toBe('first');
    gate.open();
    await busy;
  });

  test('more opens than there are places are spread over few batches', async () => {
    await using setup = fakeTunnel();
    const { tunnel, carrier } = setup;
    await eventOf(setup, 'peer');
    await Promise.all(Array.from({ length: 80 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })));
    const opens = carrier.sent.all.filter(({ ops }) => ops.some(({ op }) => op === 'connect'));
    expect(opens.length).toBeLessThanOrEqual(12);
    expect(opens.length).toBeGreaterThanOrEqual(8);
  });

  test('a script gets its own key and t, a relay and a node the access key and no t', async () => {
    await using setup = fakeTunnel({
      level: '1',
      relays: [
        { url: 'http://script.test/exec', kind: 'script', token: 'key-of-the-script' },
        { url: 'http://relay.test/', kind: 'relay', token: 'token-of-the-relay' },
      ],
      count: 2,
    });
    const { tunnel, node, carriers } = setup;
    await Promise.all(Array.from({ length: 4 }, () => tunnel.connect({ host: 'h', port: 1 })));
    const [script, relay] = carriers.map(({ sent }) => sent.all.find(({ ops }) => ops[0]!.op === 'connect'));
    expect(Buffer.from(script!.body).toString()).toBe(
      '{"k":"key-of-the-script","t":"batch","ops":[{"op":"connect","host":"h","port":1}]}',
    );
    expect(Buffer.from(relay!.body).toString()).toBe(`{"k":"${KEY}","ops":[{"op":"connect","host":"h","port":1}]}`);
    expect(node.targets.size).toBe(4);
  });

  test('streams are spread over relays, the loaded and the slow ones less', async () => {
    await using setup = fakeTunnel({ count: 4 });
    const { tunnel, carriers } = setup;
    const gate = createGate();
    for (const carrier of carriers) carrier.handle = () => gate.opened.then(() => undefined);
    const connects = Array.from({ length: 8 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 }));
    await until(() => carriers.reduce((sum, { inFlight }) => sum + inFlight, 0) >= 8);
    for (const { inFlight } of carriers) expect(inFlight).toBeGreaterThanOrEqual(1);
    gate.open();
    await Promise.all(connects);
  });

  test('an account bounds the requests of all its relays together', async () => {
    await using setup = fakeTunnel({
      accounts: [{ name: 'one', maxConcurrent: 3 }],
      relays: [0, 1].map((index) => ({ url: `http://relay${index}.test`, kind: 'node', account: 'one' })),
      count: 2,
    });
    const { tunnel, node, carriers } = setup;
    await Promise.all(Array.from({ length: 30 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })));
    expect(node.targets.size).toBe(30);
    expect(tunnel.stats().exchanges).toBeLessThanOrEqual(3);
    for (const { mostInFlight } of carriers) expect(mostInFlight).toBeLessThanOrEqual(3);
  });
});
