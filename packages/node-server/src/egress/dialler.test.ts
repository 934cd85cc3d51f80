import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/clock.js';
import { isPending } from '../../test/support/pending.js';
import { NodeError } from '../errors.js';
import { parseAddress } from './address.js';
import { dial } from './dialler.js';

class FakeSocket extends EventEmitter {
  readonly address: string;
  destroyed = false;
  constructor(address: string) {
    super();
    this.address = address;
  }
  destroy(): void {
    this.destroyed = true;
  }
  fail(code: string): void {
    this.emit('error', Object.assign(new Error(code), { code }));
  }
}

function start(...addresses: string[]) {
  const sockets: FakeSocket[] = [];
  const clock = new ManualClock();
  const abort = new AbortController();
  const dialled = dial(
    addresses.map((text) => parseAddress(text)!),
    {
      port: 80,
      clock,
      signal: abort.signal,
      connect: ({ text }) => {
        const socket = new FakeSocket(text);
        sockets.push(socket);
        return socket as unknown as Socket;
      },
    },
  );
  dialled.catch(() => {});
  return { sockets, clock, abort, dialled, tried: () => sockets.map(({ address }) => address) };
}

test('the first address is tried alone, the next a quarter of a second later, families in turn', async () => {
  const { clock, tried, sockets, dialled } = start('2606:4700::1', '2606:4700::2', '1.1.1.1', '1.1.1.2', '1.1.1.3');
  expect(tried()).toEqual(['2606:4700::1']);
  clock.advance(249);
  expect(tried()).toHaveLength(1);
  clock.advance(1);
  expect(tried()).toEqual(['2606:4700::1', '1.1.1.1']);
  clock.advance(750);
  expect(tried()).toEqual(['2606:4700::1', '1.1.1.1', '2606:4700::2', '1.1.1.2', '1.1.1.3']);
  sockets[1]!.emit('connect');
  expect(await dialled).toBe(sockets[1]);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false, true, true, true]);
  expect(clock.count(250)).toBe(0);
});

test('an attempt that fails starts the next at once', () => {
  const { tried, sockets } = start('2606:4700::1', '1.1.1.1');
  sockets[0]!.fail('ENETUNREACH');
  expect(tried()).toEqual(['2606:4700::1', '1.1.1.1']);
});

test('the resolver\u2019s order says which family comes first', () => {
  expect(start('1.1.1.1', '2606:4700::1').tried()).toEqual(['1.1.1.1']);
});

test.each([
  [['ECONNREFUSED'], 'DIAL_REFUSED'],
  [['EHOSTUNREACH'], 'DIAL_HOST_UNREACHABLE'],
  [['ENETUNREACH'], 'DIAL_NET_UNREACHABLE'],
  [['EADDRNOTAVAIL'], 'DIAL_NET_UNREACHABLE'],
  [['ETIMEDOUT'], 'DIAL_TIMEOUT'],
  [['EWHATEVER'], 'DIAL_FAILED'],
  [['ENETUNREACH', 'ECONNREFUSED'], 'DIAL_REFUSED'],
  [['ECONNREFUSED', 'ENETUNREACH'], 'DIAL_REFUSED'],
  [['ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT'], 'DIAL_TIMEOUT'],
])('when all fail, by %j, the dial fails by the most telling: %s', async (codes, code) => {
  const { sockets, dialled } = start(...codes.map((_, n) => `1.1.1.${n + 1}`));
  for (const [n, platformCode] of codes.entries()) {
    expect(await isPending(dialled)).toBe(true);
    sockets[n]!.fail(platformCode);
  }
  await expect(dialled).rejects.toMatchObject({ code });
});

test('the last attempt still counts when the others have failed', async () => {
  const { sockets, clock, dialled } = start('1.1.1.1', '1.1.1.2');
  clock.advance(250);
  sockets[0]!.fail('ECONNREFUSED');
  sockets[1]!.emit('connect');
  expect(await dialled).toBe(sockets[1]);
});

test('an abort ends every attempt, and what comes late changes nothing', async () => {
  const { sockets, clock, abort, dialled } = start('1.1.1.1', '1.1.1.2');
  clock.advance(250);
  abort.abort(new NodeError('DIAL_TIMEOUT', 'too late'));
  await expect(dialled).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' });
  expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
  sockets[0]!.fail('ECONNREFUSED');
  sockets[1]!.emit('connect');
});

test('a dial that is aborted before it begins tries nothing', async () => {
  const abort = new AbortController();
  abort.abort(new NodeError('ABORTED', 'gone'));
  const dialled = dial([parseAddress('1.1.1.1')!], {
    port: 80,
    clock: new ManualClock(),
    signal: abort.signal,
    connect: () => {
      throw new Error('must not connect');
    },
  });
  await expect(dialled).rejects.toMatchObject({ code: 'ABORTED' });
});
