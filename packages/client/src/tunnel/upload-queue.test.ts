import { patternBytes } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { CLIENT_LIMITS } from '../limits.js';
import { giveAway } from './given-away.js';
import { UploadQueue } from './upload-queue.js';

describe('upload queue', () => {
  test('bytes come out in order, whatever the sizes in which they are taken', async () => {
    const queue = new UploadQueue(() => {});
    const bytes = patternBytes(100_000, 1);
    for (let at = 0; at < bytes.length; at += 7_777) await queue.write(bytes.subarray(at, at + 7_777));
    const taken: Uint8Array[] = [];
    for (const size of [1, 7_776, 7_777, 20_000, 3, 50_000, 100_000]) taken.push(queue.take(size)!);
    expect(Buffer.concat(taken).equals(bytes)).toBe(true);
    expect(queue.take(1)).toBeUndefined();
    expect(queue.taken).toBe(100_000);
  });

  test('what was written is a copy, whatever kind of array it was', async () => {
    const queue = new UploadQueue(() => {});
    for (const chunk of [Buffer.from('abc'), new Uint8Array([97, 98, 99])]) {
      await queue.write(chunk);
      chunk.fill(0);
    }
    expect(Buffer.from(queue.take(6)!).toString()).toBe('abcabc');
  });

  test('what was given away is kept as it is, as a plain view', async () => {
    const queue = new UploadQueue(() => {});
    const chunk = Buffer.alloc(10_000, 'x');
    await queue.write(giveAway(chunk));
    const taken = queue.take(10_000)!;
    expect([taken.buffer, Buffer.isBuffer(taken)]).toEqual([chunk.buffer, false]);
  });

  test('holds a bounded number of bytes, and goes on in order when there is room', async () => {
    let changes = 0;
    const queue = new UploadQueue(() => (changes += 1));
    const bytes = patternBytes(2 * CLIENT_LIMITS.maxUnsentBytes + 5, 2);
    const written: number[] = [];
    const writes = [bytes.subarray(0, 10), bytes.subarray(10, -3), bytes.subarray(-3)].map((chunk) =>
      queue.write(chunk).then(() => written.push(chunk.length)),
    );
    expect(queue.bytes).toBe(CLIENT_LIMITS.maxUnsentBytes);
    const taken: Uint8Array[] = [];
    while (written.length < 3 || queue.bytes > 0) {
      const part = queue.take(100_000);
      if (part !== undefined) taken.push(part);
      expect(queue.bytes).toBeLessThanOrEqual(CLIENT_LIMITS.maxUnsentBytes);
      await Promise.resolve();
    }
    await Promise.all(writes);
    expect(Buffer.concat(taken).equals(bytes)).toBe(true);
    expect(changes).toBeGreaterThan(2);
  });

  test('a write that would fit does not overtake one that waits, nor do those that come when that one goes on', async () => {
    let most = 10;
    const queue = new UploadQueue(
      () => {},
      (wanted) => (wanted <= most ? wanted : 0),
    );
    const bytes = patternBytes(150, 4);
    const writes = [bytes.subarray(0, 100), bytes.subarray(100, 105)].map((chunk) => queue.write(chunk));
    expect(queue.bytes).toBe(0);
    most = 1000;
    queue.wake();
    writes.push(queue.write(bytes.subarray(105, 120)));
    writes.push(writes[0]!.then(() => queue.write(bytes.subarray(120, 150))));
    await Promise.all(writes);
    expect(Buffer.from(queue.take(150)!).equals(bytes)).toBe(true);
    // Nobody waits any more: what comes now is in at once.
    void queue.write(bytes);
    expect(queue.bytes).toBe(150);
  });

  test('takes in what whoever holds the bytes has room for, and waits to be woken', async () => {
    let room = 3;
    const taken: string[] = [];
    const queue: UploadQueue = new UploadQueue(
      () => {
        const bytes = queue.take(100);
        if (bytes === undefined) return;
        taken.push(Buffer.from(bytes).toString());
        room -= bytes.byteLength;
      },
      (wanted) => Math.min(wanted, room),
    );
    const written = queue.write(Buffer.from('abcdefgh'));
    expect([taken, queue.bytes]).toEqual([['abc'], 0]);
    room = 4;
    queue.wake();
    await Promise.resolve();
    room = 10;
    queue.wake();
    await written;
    expect(taken.join('')).toBe('abcdefgh');
  });

  test('dropping is not ending: something may be missing', () => {
    const dropped = new UploadQueue(() => {});
    dropped.drop();
    const ended = new UploadQueue(() => {});
    ended.end();
    ended.drop();
    expect([dropped.dropped, ended.dropped]).toEqual([true, false]);
  });

  test('is drained once ended and empty', async () => {
    const queue = new UploadQueue(() => {});
    await queue.write(Buffer.from('x'));
    queue.end();
    expect(queue.drained).toBe(false);
    queue.take(1);
    expect(queue.drained).toBe(true);
  });

  test('dropping lets go of bytes and of who waits, failing tells them', async () => {
    const full = patternBytes(CLIENT_LIMITS.maxUnsentBytes + 1, 3);
    const dropped = new UploadQueue(() => {});
    const waiting = dropped.write(full);
    dropped.drop();
    await waiting;
    expect([dropped.bytes, dropped.drained]).toEqual([0, true]);
    const failed = new UploadQueue(() => {});
    const failing = failed.write(full);
    failed.fail(new Error('cut'));
    await expect(failing).rejects.toThrow('cut');
    await expect(failed.write(Buffer.from('x'))).rejects.toThrow('cut');
  });
});
