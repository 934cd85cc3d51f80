import { describe, expect, test } from 'vitest';
import { DownloadQueue } from './download-queue.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const read = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> => {
  const { done, value } = await reader.read();
  return done ? undefined : Buffer.from(value).toString();
};

describe('download queue', () => {
  test('chunks come out in order, before and after they are asked for, and then the end', async () => {
    const queue = new DownloadQueue(() => {});
    const reader = queue.readable.getReader();
    queue.push(bytes('one'));
    queue.push(new Uint8Array(0));
    queue.push(bytes('two'));
    expect(queue.bytes).toBe(6);
    expect([await read(reader), await read(reader)]).toEqual(['one', 'two']);
    const waiting = read(reader);
    queue.push(bytes('three'));
    queue.end();
    expect([await waiting, await read(reader)]).toEqual(['three', undefined]);
    expect([queue.bytes, queue.received]).toEqual([0, 11]);
  });

  test('what came before a cut can still be read, unless it is discarded', async () => {
    const cut = new DownloadQueue(() => {});
    cut.push(bytes('before'));
    cut.fail(new Error('cut'), { discard: false });
    cut.push(bytes('after'));
    const reader = cut.readable.getReader();
    expect(await read(reader)).toBe('before');
    await expect(read(reader)).rejects.toThrow('cut');
    const discarded = new DownloadQueue(() => {});
    discarded.push(bytes('before'));
    discarded.fail(new Error('reset'), { discard: true });
    await expect(read(discarded.readable.getReader())).rejects.toThrow('reset');
    expect(discarded.bytes).toBe(0);
  });

  test('a cut after the end of the target does not take the end away', async () => {
    const queue = new DownloadQueue(() => {});
    queue.push(bytes('all'));
    queue.end();
    queue.fail(new Error('the other side was cut'), { discard: false });
    const reader = queue.readable.getReader();
    expect([await read(reader), await read(reader)]).toEqual(['all', undefined]);
  });

  test('what a source holds is asked for when it is wanted, and again after each wake', async () => {
    const held = [bytes('one')];
    const queue: DownloadQueue = new DownloadQueue(
      () => {},
      () => held.shift(),
    );
    const reader = queue.readable.getReader();
    expect(await read(reader)).toBe('one');
    const next = read(reader);
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.wanted).toBe(true);
    queue.wake();
    held.push(bytes('two'));
    queue.wake();
    expect(await next).toBe('two');
    queue.end();
    expect([await read(reader), queue.received]).toEqual([undefined, 6]);
  });

  test('who waits hears of a cut', async () => {
    const queue = new DownloadQueue(() => {});
    const waiting = read(queue.readable.getReader());
    queue.fail(new Error('cut'), { discard: false });
    await expect(waiting).rejects.toThrow('cut');
  });

  test('reading and cancelling are told, and nothing is kept after a cancel', async () => {
    let changes = 0;
    const queue = new DownloadQueue(() => (changes += 1));
    queue.push(bytes('x'));
    const reader = queue.readable.getReader();
    await read(reader);
    expect(changes).toBe(1);
    await reader.cancel();
    expect([changes, queue.cancelled]).toEqual([2, true]);
    queue.push(bytes('y'));
    queue.end();
    queue.fail(new Error('late'), { discard: true });
    expect([queue.bytes, queue.received]).toEqual([0, 2]);
  });
});
