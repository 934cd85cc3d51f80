import { describe, expect, test } from 'vitest';
import { LIMITS } from '@millrace/protocol';
import { BodyBuffers, dropView, encodeBody } from '@millrace/protocol/level2';
import { Answers } from './answers.js';
import { PIECE_BYTES, SMALL_PIECE_BYTES } from './memory.js';
import { PinnedBodies } from './pinned-bodies.js';
import { TokenCheck } from './token-check.js';

describe('answers under way', () => {
  test('are bounded for all clients together; one that has none gets one beyond that, up to twice as much', () => {
    const answers = new Answers(100);
    expect(answers.admits(0)).toBe(true);
    answers.take(100);
    expect([answers.admits(100), answers.admits(0)]).toEqual([false, true]);
    answers.take(100);
    expect(answers.admits(0)).toBe(false);
    answers.give(150);
    expect([answers.bytes, answers.admits(50)]).toEqual([50, true]);
  });

  test('wake who waits when one has left, once, unless it was forgotten', () => {
    const answers = new Answers(1);
    const woken: string[] = [];
    const one = (): void => void woken.push('one');
    const two = (): void => void woken.push('two');
    answers.take(3);
    answers.whenLeft(one);
    answers.whenLeft(one);
    answers.whenLeft(two);
    answers.forget(two);
    answers.give(1);
    answers.give(1);
    expect(woken).toEqual(['one']);
  });
});

describe('pinned bodies', () => {
  test('a view of a large request is kept within the bound, and copied beyond it', () => {
    const pins = new PinnedBodies(1_000_000);
    const view = new Uint8Array(600_000).subarray(0, 1_000);
    expect(pins.fit(view)).toBe(view);
    pins.pin(view);
    expect([pins.bytes, pins.pieceBytes]).toEqual([600_000, PIECE_BYTES]);
    const copy = pins.fit(view);
    expect(copy).not.toBe(view);
    expect(copy.buffer.byteLength).toBe(1_000);
    pins.unpin(view);
    expect(pins.bytes).toBe(0);
    expect(pins.fit(view)).toBe(view);
  });

  test('memory that was lent out comes back when no socket keeps a view of it any more', () => {
    const pins = new PinnedBodies(1_000_000);
    const buffers = new BodyBuffers(1_000_000);
    const memory = buffers.take(600_000);
    buffers.lend(memory);
    const views = [memory.subarray(0, 1_000), memory.subarray(1_000)];
    for (const view of views) pins.pin(view);
    dropView(memory);
    pins.unpin(views[0]!);
    expect(buffers.bytes).toBe(0);
    pins.unpin(views[1]!);
    expect(buffers.bytes).toBe(600_000);
  });

  test('pieces become small when the bound is reached', () => {
    const pins = new PinnedBodies(100_000);
    const whole = new Uint8Array(150_000);
    expect(pins.fit(whole)).toBe(whole);
    pins.pin(whole);
    expect(pins.pieceBytes).toBe(SMALL_PIECE_BYTES);
  });
});

describe('the token', () => {
  const token = new Uint8Array(32).map((_, index) => index);
  const check = new TokenCheck(token);
  const packet = { n: 0, cid: new Uint8Array(16) };
  const code = (expected: string): unknown => expect.objectContaining({ code: expected });

  test.each([false, true])('is found at the front of a body, as text: %s', (text) => {
    const body = Buffer.from(encodeBody(packet, { token, text }));
    check.check(body);
    const other = Buffer.from(encodeBody(packet, { token: token.with(31, 0), text }));
    expect(() => check.check(other)).toThrow(code('RELAY_AUTH'));
    expect(() => check.check(body.subarray(0, text ? 43 : 32))).toThrow(code('BODY_TRUNCATED'));
  });

  test('no more of a text is decoded than it takes', () => {
    const body = Buffer.from(encodeBody(packet, { token, text: true }));
    check.check(Buffer.concat([body.subarray(0, 44), Buffer.from('no base64 at all')]));
  });

  test('a body that is too large is not looked at', () => {
    expect(() => check.check(Buffer.alloc(LIMITS.maxBodyBytes + 1, 1))).toThrow(code('BODY_TOO_LARGE'));
  });
});
