import { expect, test } from 'vitest';
import { AnswerPieces } from './answer-pieces.js';

const piece = (bytes: number): Uint8Array => new Uint8Array(bytes);

function setUp() {
  const calls: string[] = [];
  const controller = {
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    abort: () => void calls.push('abort'),
  };
  return { pieces: new AnswerPieces(controller, 100), calls };
}

test('the node is paused while as much waits as is read ahead, once, and goes on when less does', async () => {
  const { pieces, calls } = setUp();
  for (const bytes of [60, 39]) pieces.push(piece(bytes));
  expect(calls).toEqual([]);
  for (const bytes of [1, 5]) pieces.push(piece(bytes));
  expect(calls).toEqual(['pause']);
  expect((await pieces.next()).value).toHaveLength(60);
  expect(calls).toEqual(['pause', 'resume']);
  pieces.push(piece(55));
  expect(calls).toEqual(['pause', 'resume', 'pause']);
});

test('who waits gets a piece as it comes, which nothing is paused for', async () => {
  const { pieces, calls } = setUp();
  const next = pieces.next();
  pieces.push(piece(1000));
  expect((await next).value).toHaveLength(1000);
  expect(calls).toEqual([]);
});

test('what came before the end or a cut is handed out first', async () => {
  const ended = setUp().pieces;
  ended.push(piece(1));
  ended.end({});
  expect(await ended.next()).toMatchObject({ done: false });
  expect(await ended.next()).toEqual({ done: true, value: undefined });

  const cut = setUp().pieces;
  cut.push(piece(1));
  cut.end({ error: new Error('cut') });
  cut.end({});
  expect(await cut.next()).toMatchObject({ done: false });
  await expect(cut.next()).rejects.toThrow('cut');
});

test('who waits hears of the end, or of a cut', async () => {
  const ended = setUp().pieces;
  const end = ended.next();
  ended.end({});
  expect(await end).toEqual({ done: true, value: undefined });

  const broken = setUp().pieces;
  const cut = broken.next();
  broken.end({ error: new Error('cut') });
  await expect(cut).rejects.toThrow('cut');
});

test('a loop that is left early gives the exchange up, one that came to the end does not', async () => {
  const left = setUp();
  left.pieces.push(piece(1));
  for await (const _ of left.pieces) break;
  expect(left.calls).toEqual(['abort']);

  const read = setUp();
  read.pieces.end({});
  for await (const _ of read.pieces) break;
  await read.pieces.return();
  expect(read.calls).toEqual([]);
});
