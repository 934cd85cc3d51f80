import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { quiet } from '../../../test/support/eventually.js';
import { readBody } from './body.js';
import { RequestBudget } from './request-budget.js';

const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));

function start(contentLength: string | undefined, trusted: boolean) {
  const stream = new PassThrough();
  const headers = contentLength === undefined ? {} : { 'content-length': contentLength };
  const request = Object.assign(stream, { headers }) as unknown as IncomingMessage;
  const budget = new RequestBudget(2_000);
  const starts: Buffer[] = [];
  const memory = (start: Buffer, bytes: number): Buffer | undefined =>
    starts.push(start) > 0 && trusted ? Buffer.alloc(bytes) : undefined;
  const body = readBody(request, { maxBytes: 1_500, claim: budget.claim(), keep: true, memory });
  return { stream, budget, starts, body };
}

test.each([
  ['1000', true, 1_000],
  ['1000', false, 300],
  [undefined, true, 300],
  ['300', true, 300],
])('announced %s, trusted %s: the first 300 bytes claim %i', async (contentLength, trusted, claimed) => {
  const { stream, budget, body } = start(contentLength, trusted);
  stream.write(bytes.subarray(0, 300));
  await quiet();
  expect(budget.used).toBe(claimed);
  if (contentLength === '300') stream.end();
  else stream.end(bytes.subarray(300));
  const whole = contentLength === '300' ? bytes.subarray(0, 300) : bytes;
  expect((await body).equals(whole)).toBe(true);
  expect(budget.used).toBe(whole.length);
});

test('only the first bytes are looked at, and a body that is there with them needs no trust', async () => {
  const pieces = start('1000', false);
  for (const at of [0, 400, 800]) {
    pieces.stream.write(bytes.subarray(at, at + 400));
    await quiet();
  }
  pieces.stream.end();
  expect((await pieces.body).equals(bytes)).toBe(true);
  expect(pieces.starts).toEqual([bytes.subarray(0, 400)]);
  const whole = start('1000', false);
  whole.stream.end(bytes);
  expect((await whole.body).equals(bytes)).toBe(true);
  expect(whole.starts).toEqual([]);
});

test('what is announced is refused before a byte where it is too large, and with the first bytes where the budget is used up', async () => {
  await expect(start('1501', true).body).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
  const { stream, budget, body } = start('1500', true);
  budget.claim().add(600);
  stream.write(bytes.subarray(0, 10));
  await expect(body).rejects.toMatchObject({ code: 'NODE_BUSY' });
});
