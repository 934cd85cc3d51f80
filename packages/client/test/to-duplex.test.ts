/** A stream as a Node Duplex. */
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { patternBytes, PatternChecker, patternStream } from '@millrace/testkit';
import { toDuplex } from '../src/node/index.js';
import { fakeTunnel, until } from './support/setup.js';

async function open(setup: ReturnType<typeof fakeTunnel>) {
  const stream = await setup.tunnel.connect({ host: 'h', port: 1 });
  return { stream, duplex: toDuplex(stream), target: await setup.node.opened.next() };
}

describe('toDuplex', () => {
  test('end is the half-close: the way back stays open until the target ends', async () => {
    await using setup = fakeTunnel();
    const { duplex, target, stream } = await open(setup);
    const got: Buffer[] = [];
    duplex.on('data', (chunk: Buffer) => got.push(chunk));
    duplex.end('request');
    await once(duplex, 'finish');
    expect(target.bytes.toString()).toBe('request');
    expect(duplex.destroyed).toBe(false);
    target.send('answer');
    target.end();
    await once(duplex, 'close');
    expect(Buffer.concat(got).toString()).toBe('answer');
    await stream.closed;
  });

  test('the end of the target ends reading alone', async () => {
    await using setup = fakeTunnel();
    const { duplex, target, stream } = await open(setup);
    duplex.resume();
    target.end();
    await once(duplex, 'end');
    expect(duplex.writable).toBe(true);
    duplex.end('afterwards');
    await once(duplex, 'close');
    await stream.closed;
    expect(target.bytes.toString()).toBe('afterwards');
  });

  test('both ways at once, byte for byte, through pipeline', async () => {
    await using setup = fakeTunnel();
    const { duplex, target, stream } = await open(setup);
    const size = 12_000_000;
    const checker = new PatternChecker(2);
    const sink = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        checker.push(chunk);
        callback();
      },
    });
    const moving = pipeline(patternStream(size, 1), duplex, sink);
    for (let at = 0; at < size; at += 1_000_000) target.send(patternBytes(1_000_000, 2, at));
    target.end();
    await moving;
    await stream.closed;
    checker.end(size);
    expect(target.bytes.equals(patternBytes(size, 1))).toBe(true);
  });

  test('destroy resets the stream', async () => {
    await using setup = fakeTunnel();
    const { duplex, target, stream } = await open(setup);
    duplex.destroy();
    await expect(stream.closed).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
    expect(await setup.node.closed.next()).toBe(target.sid);
  });

  test('a cut destroys it with the error, after what came before', async () => {
    await using setup = fakeTunnel();
    const { duplex, target } = await open(setup);
    const got: Buffer[] = [];
    duplex.on('data', (chunk: Buffer) => got.push(chunk));
    const error = once(duplex, 'error');
    target.send('before');
    target.fail('reset', 'TARGET_RESET');
    expect((await error)[0]).toMatchObject({ code: 'TARGET_RESET' });
    expect(Buffer.concat(got).toString()).toBe('before');
    expect(duplex.destroyed).toBe(true);
  });

  test('a cut while only writing is left destroys it, too', async () => {
    await using setup = fakeTunnel();
    const { duplex, target, stream } = await open(setup);
    duplex.resume();
    target.end();
    await once(duplex, 'end');
    const error = once(duplex, 'error');
    stream.reset('ABORTED');
    expect((await error)[0]).toMatchObject({ code: 'ABORTED' });
  });

  test('who does not read is not read for: what waits is bounded', async () => {
    await using setup = fakeTunnel({ streamBufferBytes: 65_536 });
    const { duplex, target } = await open(setup);
    duplex.pause();
    for (let index = 0; index < 40; index += 1) {
      target.send(patternBytes(65_536, 3, index * 65_536));
      // The node answers each poll with what it has.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => setup.carrier.inFlight === 0);
    expect(setup.tunnel.stats().receivedBytes).toBeLessThan(10 * 65_536);
    target.end();
    const checker = new PatternChecker(3);
    for await (const chunk of duplex) checker.push(chunk as Buffer);
    checker.end(40 * 65_536);
  });

  test('large chunks pass without a copy', async () => {
    const chunk = patternBytes(1_000_000, 4);
    const duplex = toDuplex({
      readable: new ReadableStream({
        start(controller) {
          controller.enqueue(chunk);
          controller.close();
        },
      }),
      writable: new WritableStream(),
      opened: Promise.resolve(),
      closed: Promise.resolve(),
      reset: () => {},
    });
    const [first] = (await once(duplex, 'data')) as [Buffer];
    expect(first.buffer).toBe(chunk.buffer);
    expect(first.byteLength).toBe(chunk.byteLength);
  });
});
