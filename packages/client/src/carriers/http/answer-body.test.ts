import { patternBytes } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { AnswerBody } from './answer-body.js';

const bytes = patternBytes(1_000, 1);
const pieces = [bytes.subarray(0, 300), bytes.subarray(300, 301), bytes.subarray(301)];

function bodyOf(contentLength: string | string[] | undefined, asked: number[] = []): AnswerBody {
  const body = new AnswerBody(1_000, (bytes) => asked.push(bytes) > 0);
  body.expect(contentLength);
  return body;
}

describe('body of an answer', () => {
  test.each([
    ['1000', [1_000]],
    [undefined, [300, 1, 699]],
    ['no number', [300, 1, 699]],
    [
      ['1000', '1000'],
      [300, 1, 699],
    ],
    ['1001', [300, 1, 699]],
  ])('is what came, in order, and what it takes is asked for: content-length %s', (contentLength, expected) => {
    const asked: number[] = [];
    const body = bodyOf(contentLength, asked);
    for (const piece of pieces) expect(body.add(piece)).toBe(true);
    expect(Buffer.compare(body.join(), bytes)).toBe(0);
    expect(asked).toEqual(expected);
  });

  test('of unknown length keeps no memory but that of its bytes', () => {
    const body = bodyOf(undefined);
    const memory = Buffer.allocUnsafeSlow(65_536);
    const piece = memory.subarray(0, 300).fill(7);
    body.add(piece);
    memory.fill(9);
    expect(body.join().buffer.byteLength).toBe(300);
    expect(new Set(body.join())).toEqual(new Set([7]));
  });

  test('that is cut is what came before', () => {
    const body = bodyOf('1000');
    body.add(pieces[0]!);
    expect(Buffer.compare(body.join(), pieces[0]!)).toBe(0);
    expect(bodyOf('0').join()).toHaveLength(0);
  });

  test.each([undefined, '900', '1000'])('never passes its bound, nor what was told: content-length %s', (told) => {
    const body = bodyOf(told);
    for (const piece of pieces.slice(0, 2)) body.add(piece);
    expect(body.add(patternBytes(700, 2))).toBe(false);
    expect(body.join()).toHaveLength(301);
  });

  test('takes nothing where nothing is admitted', () => {
    for (const told of [undefined, '1000']) {
      const body = new AnswerBody(1_000, () => false);
      body.expect(told);
      expect(body.add(pieces[0]!)).toBe(false);
    }
  });
});
