import { array, assert, constant, integer, nat, oneof, property, record } from 'fast-check';
import { expect, test } from 'vitest';

import { SendBuffer } from './send-buffer.js';

test('whatever is lost and acknowledged, every piece shows the bytes of its position, and all arrives in the end', () => {
  const step = oneof(
    record({ op: constant('write' as const), size: integer({ min: 1, max: 3000 }) }),
    record({ op: constant('take' as const), size: integer({ min: 1, max: 2500 }) }),
    record({ op: constant('lose' as const), size: nat(20_000) }),
    record({ op: constant('ack' as const), size: nat(2000) }),
  );
  assert(
    property(array(step, { maxLength: 60 }), (steps) => {
      const buffer = new SendBuffer(4);
      const received = new Map<number, number>();
      let written = 0;
      let fin = false;
      const take = (size: number) => {
        const piece = buffer.take(size, Number.MAX_SAFE_INTEGER);
        piece?.bytes.forEach((byte, index) => {
          if (byte !== (piece.from + index) % 251) throw new Error(`byte ${piece.from + index} is wrong`);
          received.set(piece.from + index, byte);
        });
        fin ||= piece?.fin === true;
        return piece !== undefined;
      };
      for (const { op, size } of steps) {
        if (op === 'write') {
          buffer.write(Uint8Array.from({ length: size }, (_, index) => (written + index) % 251));
          written += size;
        } else if (op === 'take') take(size);
        else if (op === 'lose') buffer.lose(size, size + 700);
        else {
          // The peer acknowledges only what it has.
          let next = buffer.acked;
          while (received.has(next) && next < buffer.acked + size) next++;
          expect(buffer.acknowledge(next)).toBe(true);
        }
      }
      buffer.finish();
      buffer.lose(0, buffer.sent);
      while (take(1000));
      expect(received.size).toBe(written);
      expect(fin).toBe(true);
      expect(buffer.acknowledge(written + 1)).toBe(true);
      expect(buffer.done).toBe(true);
      expect(buffer.pinnedBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('an ack of what was never sent is refused, a lower one changes nothing', () => {
  const buffer = new SendBuffer(4);
  buffer.write(new Uint8Array(10));
  expect(buffer.acknowledge(1)).toBe(false);
  buffer.take(10, 10);
  expect(buffer.acknowledge(5)).toBe(true);
  expect(buffer.acknowledge(3)).toBe(true);
  expect(buffer.acked).toBe(5);
});

test('credit holds bytes back but not the end', () => {
  const buffer = new SendBuffer(4);
  buffer.write(new Uint8Array(10));
  buffer.finish();
  expect(buffer.take(100, 4)?.bytes).toHaveLength(4);
  expect(buffer.take(100, 4)).toBeUndefined();
  expect(buffer.blocked(4)).toBe(true);
  expect(buffer.sendable(4)).toBe(0);
  expect(buffer.take(100, 10)).toEqual({ from: 4, bytes: new Uint8Array(6), fin: true });
  buffer.lose(10, 11);
  expect(buffer.take(0, 10)).toEqual({ from: 10, bytes: new Uint8Array(0), fin: true });
  buffer.lose(10, 11);
  buffer.arrived(10, 11);
  expect(buffer.sendable(10)).toBe(0);
});
