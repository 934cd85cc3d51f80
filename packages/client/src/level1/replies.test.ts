import { expect, test } from 'vitest';
import { ReplyOrder } from './replies.js';

test('items come out in the order of their numbers, each once, in any order of arrival', () => {
  const numbers = Array.from({ length: 6 }, (_, index) => index);
  const orders = permutations(numbers);
  expect(orders).toHaveLength(720);
  for (const order of orders) {
    const replies = new ReplyOrder<string>();
    expect(order.flatMap((seq) => replies.push(seq, `item ${seq}`))).toEqual(numbers.map((seq) => `item ${seq}`));
  }
});

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item].concat(rest)),
  );
}
