import { EventEmitter } from 'node:events';
import type { Socket } from 'node:dgram';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/clock.js';
import { parseAddress } from './address.js';
import { Datagrams } from './datagrams.js';
import { NameCache } from './name-cache.js';
import { EgressPolicy } from './policy.js';
import type { Lookup } from './resolver.js';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });
const limits = { maxCachedNames: 2, nameCacheMs: 1_000, maxNameLookups: 2 };
const nothingOwn = { isOwn: () => false, isListening: () => false };
const rules = { allowPrivate: false, allowPorts: [], denyPorts: [], allowNames: [], denyNames: ['denied.example.org'] };

describe('names', () => {
  const start = (lookup: Lookup) => {
    const clock = new ManualClock();
    return { clock, cache: new NameCache({ lookup, clock, limits }) };
  };
  const found: Lookup = async () => [{ address: '198.51.100.1', family: 4 }];

  test('are known for a time, then asked for again', async () => {
    let asked = 0;
    const { clock, cache } = start((name) => {
      asked++;
      return found(name);
    });
    const first = await cache.resolve('a');
    expect(cache.resolve('a')).toBe(first);
    clock.advance(999);
    expect(cache.resolve('a')).toBe(first);
    clock.advance(1);
    await cache.resolve('a');
    expect(asked).toBe(2);
  });

  test('are bounded in number: the one used longest ago goes', async () => {
    const { cache } = start(found);
    await cache.resolve('a');
    await cache.resolve('b');
    await cache.resolve('a');
    await cache.resolve('c');
    expect(cache.size).toBe(2);
    expect(cache.resolve('a')).not.toBeInstanceOf(Promise);
    expect(cache.resolve('b')).toBeInstanceOf(Promise);
  });

  test('are asked for once however many wait, and only so many at once', async () => {
    let answer: (() => void) | undefined;
    const { cache } = start(async (name) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return found(name);
    });
    const [one, two] = [cache.resolve('a'), cache.resolve('a')];
    expect(one).toBe(two);
    const gone = Promise.resolve(cache.resolve('b'));
    expect(() => cache.resolve('c')).toThrow(code('QUEUE_FULL'));
    answer!();
    await gone;
    expect(cache.resolve('b')).not.toBeInstanceOf(Promise);
  });

  test('that fail are not remembered', async () => {
    let fails = true;
    const { cache } = start((name) => (fails ? Promise.reject(new Error('no')) : found(name)));
    await expect(cache.resolve('a')).rejects.toThrow(code('DIAL_NAME_FAILED'));
    expect(cache.size).toBe(0);
    fails = false;
    expect(await cache.resolve('a')).toHaveLength(1);
  });
});

describe('datagrams', () => {
  class FakeUdp extends EventEmitter {
    readonly sent: string[] = [];
    waiting = 0;
    failure: Error | null = null;
    getSendQueueCount(): number {
      return this.waiting;
    }
    send(data: Uint8Array, port: number, address: string, done: (error: Error | null) => void): void {
      this.sent.push(`${Buffer.from(data).toString()} ${address} ${port}`);
      done(this.failure);
    }
    close(done: () => void): void {
      queueMicrotask(done);
    }
  }

  const start = () => {
    const sockets = new Map<number, FakeUdp>();
    const datagrams = new Datagrams({
      policy: new EgressPolicy(rules, nothingOwn),
      names: new NameCache({ lookup: () => Promise.reject(new Error('no')), clock: new ManualClock(), limits }),
      maxSending: 2,
      makeSocket: (family) => {
        const socket = new FakeUdp();
        sockets.set(family, socket);
        return socket as unknown as Socket;
      },
    });
    return { datagrams, sockets };
  };
  const address = (text: string) => parseAddress(text)!;
  const data = Buffer.from('data');
  const never = (): void => expect.unreachable();

  test('go to the first address that the policy allows, by a socket of its family', () => {
    const { datagrams, sockets } = start();
    expect(sockets.size).toBe(0);
    const all = [address('10.0.0.1'), address('2a00::1'), address('198.51.100.1')];
    expect(datagrams.send([all[0]!, address('8.8.8.8')], 53, data, never)).toEqual(address('8.8.8.8'));
    expect(datagrams.send([address('2a00::1')], 53, data, never)).toEqual(all[1]);
    expect([sockets.get(4)!.sent, sockets.get(6)!.sent]).toEqual([['data 8.8.8.8 53'], ['data 2a00::1 53']]);
  });

  test('are sent nowhere when the policy denies every address, or the name', () => {
    const { datagrams, sockets } = start();
    expect(() => datagrams.send([address('10.0.0.1'), address('127.0.0.1')], 53, data, never)).toThrow(
      code('POLICY_DENIED'),
    );
    expect(() => datagrams.resolve('denied.example.org', 53)).toThrow(code('POLICY_DENIED'));
    expect(sockets.size).toBe(0);
  });

  test('are dropped while too many wait, and told when the system does not take them', () => {
    const { datagrams, sockets } = start();
    datagrams.send([address('8.8.8.8')], 53, data, never);
    sockets.get(4)!.waiting = 2;
    expect(datagrams.send([address('8.8.8.8')], 53, data, never)).toBeUndefined();
    sockets.get(4)!.waiting = 0;
    sockets.get(4)!.failure = new Error('EPERM');
    let failed = 0;
    datagrams.send([address('8.8.8.8')], 53, data, () => failed++);
    expect(failed).toBe(1);
  });

  test('come from anybody until it is closed; errors of a socket are hints', async () => {
    const { datagrams, sockets } = start();
    const heard: string[] = [];
    datagrams.listen((bytes, from) => heard.push(`${bytes.toString()} ${from.address} ${from.port}`));
    datagrams.send([address('8.8.8.8')], 53, data, never);
    const socket = sockets.get(4)!;
    socket.emit('message', Buffer.from('answer'), { address: '8.8.8.8', port: 53 });
    socket.emit('error', new Error('ECONNREFUSED'));
    await datagrams.close();
    socket.emit('message', Buffer.from('late'), { address: '8.8.8.8', port: 53 });
    expect(heard).toEqual(['answer 8.8.8.8 53']);
  });
});
