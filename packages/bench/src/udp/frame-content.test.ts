import { expect, test } from 'vitest';
import { FrameChecker, FrameContent } from './frame-content.js';

const content = new FrameContent(5000);
const frame = (number: number): Buffer => Buffer.from(content.of(number));

test('frames that arrive in any order, each once, are all there', () => {
  const checker = new FrameChecker(content, 100, 3);
  for (const number of [102, 100, 101]) checker.take(number, frame(number), 2);
  expect(checker.complete).toBe(true);
  expect(checker.counts).toEqual({ right: 3, recovered: 6 });
});

test('frames next to each other differ', () => {
  expect(content.of(1).equals(content.of(2))).toBe(false);
  expect(content.of(60).equals(content.of(61))).toBe(false);
});

test('a frame that is too large for the pattern is refused', () => {
  expect(() => new FrameContent(300_000)).toThrow('300000 bytes');
});

const changed = frame(4);
changed[4321]! ^= 1;

test.each([
  ['a changed byte', 4, changed, /^frame 4 has a wrong byte at offset 4321 of 5000$/],
  ['a frame that is cut', 4, frame(4).subarray(0, 4000), /^frame 4 has a wrong byte at offset 4000 of 5000$/],
  ['a frame that is too long', 4, Buffer.concat([frame(4), frame(4)]), /^frame 4 has a wrong byte at offset 5000/],
  ['the bytes of another frame', 4, frame(5), /^frame 4 has a wrong byte at offset 0 of 5000$/],
  ['a frame of another run', 7, frame(7), /^frame 7 was not sent$/],
  ['a frame from before', 3, frame(3), /^frame 3 was not sent$/],
] as const)('%s is a problem, and the frame is not counted', (_what, number, data, problem) => {
  const checker = new FrameChecker(content, 4, 3);
  checker.take(number, data, 0);
  expect(checker.counts).toEqual({ right: 0, recovered: 0, problem: expect.stringMatching(problem) });
});

test('a frame that comes twice is a problem', () => {
  const checker = new FrameChecker(content, 0, 2);
  checker.take(1, frame(1), 0);
  checker.take(1, frame(1), 0);
  expect(checker.counts).toEqual({ right: 1, recovered: 0, problem: 'frame 1 came twice' });
  expect(checker.complete).toBe(false);
});
