/** The pipelined loop: several ops of one stream in flight, replies in the order of `seq`. */
import { describe, expect, test } from 'vitest';
import { createGate, PatternChecker, patternBytes, type Gate } from '@millrace/testkit';
import type { FakeExchange } from './support/fake-carrier.js';
import { fakeTunnel, readBytes, readToEnd, until } from './support/setup.js';

/** Data ops of an exchange. */
const dataOps = ({ ops }: FakeExchange) => ops.filter(({ op }) => op === 'data');

describe('pipelined loop', () => {
  test('ops are numbered from 0 without a gap', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    for (let round = 0; round < 20; round += 1) {
      await writer.write(Buffer.from(`ping ${round}`));
      expect(Buffer.from(await target.received.at(round)).toString()).toBe(`ping ${round}`);
      target.send(`pong ${round}`);
      expect((await readBytes(reader, 5 + `${round}`.length)).toString()).toBe(`pong ${round}`);
    }
    const numbers = node.ops.filter(({ op }) => op === 'data').map(({ seq }) => seq as number);
    expect([...numbers].sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index));
  });

  test('an active stream has as many ops in flight as pipelineDepth says, an idle one has one', async () => {
    await using setup = fakeTunnel({ pipelineDepth: 3 });
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    expect(carrier.inFlight).toBe(1);
    const reader = stream.readable.getReader();
    target.send('active');
    await reader.read();
    // The poll that was answered, and three more: its reply had bytes.
    await carrier.sent.at(4);
    expect(carrier.inFlight).toBe(3);
    await target.polled();
    target.release();
    // An empty reply: no further op until those in flight are down to one.
    await until(() => carrier.inFlight === 2);
    await target.polled();
    target.release();
    await until(() => carrier.inFlight === 1);
    await target.polled();
    expect(carrier.inFlight).toBe(1);
    expect(carrier.sent.all).toHaveLength(5);
  });

  test('bytes do not wait for polls, however many of them are held', async () => {
    await using setup = fakeTunnel({ pipelineDepth: 2 });
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    target.send('active');
    await carrier.sent.at(3);
    await until(() => carrier.inFlight === 2);
    const writer = stream.writable.getWriter();
    await writer.write(Buffer.from('now'));
    expect(Buffer.from(await target.received.at(0)).toString()).toBe('now');
  });

  test('two ops of one stream never travel in the same batch', async () => {
    await using setup = fakeTunnel({ pipelineDepth: 8 });
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    const writer = stream.writable.getWriter();
    for (let index = 0; index < 16; index += 1) await writer.write(patternBytes(40_000, 3, index * 40_000));
    const close = writer.close();
    target.end();
    await close;
    expect(target.bytes.equals(patternBytes(640_000, 3))).toBe(true);
    for (const exchange of carrier.sent.all)
      expect(new Set(dataOps(exchange).map(({ sid }) => sid)).size).toBe(dataOps(exchange).length);
  });

  test('replies that come in the wrong order reach the application in the right one', async () => {
    await using setup = fakeTunnel({ pipelineDepth: 4 });
    const { tunnel, node, carrier } = setup;
    const gates: Gate[] = [];
    let holding = false;
    carrier.handle = async (exchange) => {
      if (!holding || dataOps(exchange).length === 0) return undefined;
      const gate = createGate();
      gates.push(gate);
      const r = await exchange.run();
      await gate.opened;
      return { ok: true, body: Buffer.from(JSON.stringify({ r })) };
    };
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    holding = true;
    const reader = stream.readable.getReader();
    target.send(patternBytes(1_000, 4));
    await carrier.sent.at(5);
    for (let index = 1; index < 4; index += 1) {
      await target.polled();
      target.send(patternBytes(1_000, 4, index * 1_000));
    }
    await target.polled();
    target.end();
    // The first poll was sent before: only these four are held.
    const checker = new PatternChecker(4);
    checker.push(await readBytes(reader, 1_000));
    for (const gate of gates.reverse()) gate.open();
    checker.push(await readBytes(reader, 3_000));
    checker.end(4_000);
    expect((await reader.read()).done).toBe(true);
  });

  test('uploads and downloads of many streams at once are byte for byte right at any depth', async () => {
    for (const pipelineDepth of [1, 2, 8]) {
      await using setup = fakeTunnel({ pipelineDepth, count: 3 });
      const { tunnel, node } = setup;
      await Promise.all(
        Array.from({ length: 20 }, async (_, seed) => {
          const stream = await tunnel.connect({ host: `h${seed}`, port: 1 });
          const target = [...node.targets.values()].find(({ open }) => open.host === `h${seed}`)!;
          const size = 100_000 + seed * 17_001;
          const writer = stream.writable.getWriter();
          const upload = writer.write(patternBytes(size, seed)).then(() => writer.close());
          const down = readToEnd(stream);
          for (let at = 0; at < size; at += 30_011) {
            target.send(patternBytes(Math.min(30_011, size - at), seed + 100, at));
            await target.polled();
          }
          target.end();
          expect((await down).equals(patternBytes(size, seed + 100))).toBe(true);
          await upload;
          await stream.closed;
          expect(target.bytes.equals(patternBytes(size, seed))).toBe(true);
        }),
      );
    }
  });

  test('an application that does not read stops the polling, and reading starts it again', async () => {
    await using setup = fakeTunnel({ streamBufferBytes: 100_000 });
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    target.send(patternBytes(150_000, 5));
    const held = carrier.sent.all.length;
    const { readable } = stream;
    // Nothing is read: the reply is taken in, and no poll follows it.
    await until(() => tunnel.stats().receivedBytes > 0 && carrier.inFlight === 0);
    expect(tunnel.stats().receivedBytes).toBe(150_000);
    expect(carrier.inFlight).toBe(0);
    expect(carrier.sent.all).toHaveLength(held);
    const reader = readable.getReader();
    new PatternChecker(5).push(await readBytes(reader, 150_000));
    await target.polled();
    target.send(patternBytes(1_000, 5, 150_000));
    new PatternChecker(5, 150_000).push(await readBytes(reader, 1_000));
  });

  test('bytes written before the stream is open arrive first and in order, however many writes', async () => {
    const gate = createGate();
    await using setup = fakeTunnel({ node: { dial: () => gate.opened.then(() => undefined) } });
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({
      host: 'h',
      port: 1,
      firstBytes: [Buffer.from('a'), Buffer.from('b')],
      openReply: 'early',
    });
    const writer = stream.writable.getWriter();
    const chunk = Buffer.alloc(1);
    for (const letter of 'cdefghijklmnopqrstuvwxyz') {
      chunk.write(letter);
      // The same buffer again and again: it is free once its write has resolved.
      await writer.write(chunk);
    }
    gate.open();
    await stream.opened;
    const target = await node.opened.next();
    await writer.close();
    expect(target.bytes.toString()).toBe('abcdefghijklmnopqrstuvwxyz');
    expect(target.open.op).toBe('connect_data');
  });

  test('first bytes beyond what travels with the connect follow it', async () => {
    await using setup = fakeTunnel();
    const { tunnel, node } = setup;
    const first = patternBytes(5_000_000, 6);
    const stream = await tunnel.connect({
      host: 'h',
      port: 1,
      firstBytes: [first.subarray(0, 3_000_000), first.subarray(3_000_000)],
    });
    await stream.writable.close();
    const target = await node.opened.next();
    expect(target.bytes.equals(first)).toBe(true);
    expect(target.received.all[0]!.byteLength).toBe(256 * 1024);
  });
});
