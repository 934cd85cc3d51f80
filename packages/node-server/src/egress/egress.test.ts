import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { ManualClock } from '../../test/support/clock.js';
import { startTarget, startUdpTarget } from '../../test/support/target.js';
import { systemClock } from '../clock.js';
import { parseAddress } from './address.js';
import { Egress } from './egress.js';
import { SystemAddresses } from './own-addresses.js';
import { EgressPolicy, type PolicyRules } from './policy.js';
import { type Lookup, systemLookup } from './resolver.js';

const never = new AbortController().signal;

/** An egress whose connections are only written down. */
function start(options: { lookup?: Lookup; rules?: Partial<PolicyRules>; real?: boolean; clock?: ManualClock } = {}) {
  const dialled: string[] = [];
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  const clock = options.clock ?? systemClock;
  const own = new SystemAddresses(clock);
  const rules: PolicyRules = {
    allowPrivate: false,
    allowPorts: [],
    denyPorts: [],
    allowNames: [],
    denyNames: [],
    ...options.rules,
  };
  const egress = new Egress({
    policy: new EgressPolicy(rules, own),
    lookup: options.lookup ?? (() => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))),
    dialTimeoutMs: 10_000,
    clock,
    events: hub,
    ...(options.real !== true && {
      connect: ({ text }, port) => {
        dialled.push(`${text} ${port}`);
        const socket = new EventEmitter();
        queueMicrotask(() => socket.emit('connect'));
        return Object.assign(socket, { destroy: () => {} }) as unknown as Socket;
      },
    }),
  });
  return { egress, dialled, events, own };
}

const answers =
  (...addresses: string[]): Lookup =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

describe('names are resolved once, and the checked address is dialled', () => {
  test('a name that changes its answer is not asked again', async () => {
    let asked = 0;
    const lookup: Lookup = () => Promise.resolve([{ address: asked++ === 0 ? '1.1.1.1' : '127.0.0.1', family: 4 }]);
    const { egress, dialled } = start({ lookup });
    await egress.connect('rebind.example.org', 80, never);
    expect([asked, dialled]).toEqual([1, ['1.1.1.1 80']]);
    await expect(egress.connect('rebind.example.org', 80, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect([asked, dialled]).toEqual([2, ['1.1.1.1 80']]);
  });

  test('of several addresses only the allowed are dialled', async () => {
    const { egress, dialled } = start({ lookup: answers('10.0.0.1', '::ffff:127.0.0.1', '1.1.1.1', 'fe80::1%lo') });
    await egress.connect('mixed.example.org', 443, never);
    expect(dialled).toEqual(['1.1.1.1 443']);
  });

  test.each([
    ['127.0.0.1'],
    ['localhost.example.org'],
    ['0x7f.1'],
    ['2130706433'],
    ['127.1'],
    ['[::1]'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::127.0.0.1'],
    ['2002:7f00:1::'],
    ['0.0.0.0'],
    ['169.254.169.254'],
    ['fe80::1%eth0'],
    ['\uff11\uff12\uff17.\uff10.\uff10.\uff11'],
  ])('%s is denied and nothing is dialled', async (host) => {
    const { egress, dialled, events } = start({ lookup: answers('127.0.0.1') });
    await expect(egress.connect(host, 80, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(dialled).toEqual([]);
    expect(events).toEqual([{ event: 'dial', result: 'POLICY_DENIED', ms: expect.any(Number) }]);
  });

  test('what the lists deny is not even resolved', async () => {
    const lookup: Lookup = () => {
      throw new Error('must not resolve');
    };
    const { egress } = start({ lookup, rules: { denyPorts: [25], denyNames: ['.evil.example'] } });
    await expect(egress.connect('example.org', 25, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    await expect(egress.connect('www.EVIL.example.', 80, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  });

  test('each address is tried once, and a bounded number of them', async () => {
    const clock = new ManualClock();
    const many = Array.from({ length: 40 }, (_, n) => `1.1.1.${(n >> 1) + 1}`);
    const { egress, dialled } = start({ lookup: answers(...many), clock });
    await egress.connect('many.example.org', 80, never);
    expect(dialled).toHaveLength(1);
  });
});

describe('names that do not resolve', () => {
  const failing =
    (code: string): Lookup =>
    () =>
      Promise.reject(Object.assign(new Error(code), { code }));

  test.each([
    ['ENOTFOUND', 'DIAL_NAME_NOT_FOUND'],
    ['ENODATA', 'DIAL_NAME_NOT_FOUND'],
    ['EAI_AGAIN', 'DIAL_NAME_FAILED'],
    ['ESERVFAIL', 'DIAL_NAME_FAILED'],
  ])('%s is %s', async (platform, code) => {
    await expect(start({ lookup: failing(platform) }).egress.connect('x.example.org', 80, never)).rejects.toMatchObject(
      { code },
    );
  });

  test('an answer without addresses, or with what is none, is a name that is not found', async () => {
    for (const lookup of [answers(), answers('nonsense')]) {
      await expect(start({ lookup }).egress.connect('x.example.org', 80, never)).rejects.toMatchObject({
        code: 'DIAL_NAME_NOT_FOUND',
      });
    }
  });

  test('a resolver that throws something else is a failure like any', async () => {
    const lookup: Lookup = () => Promise.reject('no error object');
    await expect(start({ lookup }).egress.connect('x.example.org', 80, never)).rejects.toMatchObject({
      code: 'DIAL_NAME_FAILED',
    });
  });

  test('a resolver that does not answer ends with the dial, and its late answer is dropped', async () => {
    const clock = new ManualClock();
    let answer: (found: Array<{ address: string; family: 4 | 6 }>) => void = () => {};
    const { egress, dialled } = start({ clock, lookup: () => new Promise((resolve) => (answer = resolve)) });
    const failed = expect(egress.connect('x.example.org', 80, never)).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' });
    clock.advance(10_000);
    await failed;
    answer([{ address: '1.1.1.1', family: 4 }]);
    expect(dialled).toEqual([]);
  });

  test('the system\u2019s resolver knows localhost', async () => {
    expect((await systemLookup('localhost')).every(({ address }) => address === '127.0.0.1' || address === '::1')).toBe(
      true,
    );
  });
});

describe('real connections', () => {
  test('a connection is made to the literal address, and the event tells of it', async () => {
    const target = await startTarget();
    const { egress, events } = start({ real: true, rules: { allowPrivate: true }, lookup: answers('127.0.0.1') });
    const socket = await egress.connect('target.example.org', target.port, never);
    const peer = await target.next();
    socket.end('x');
    expect(await peer.readText(1)).toBe('x');
    peer.end();
    expect(events).toEqual([{ event: 'dial', result: 'ok', ms: expect.any(Number) }]);
  });

  test('the other family is tried when one is refused', async () => {
    const target = await startTarget();
    const { egress } = start({ real: true, rules: { allowPrivate: true }, lookup: answers('::1', '127.0.0.1') });
    const socket = await egress.connect('target.example.org', target.port, never);
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  test('own listeners are denied although private addresses are allowed', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { egress, own } = start({ real: true, rules: { allowPrivate: true } });
    own.listen(port);
    for (const host of ['127.0.0.1', '127.0.0.2', '0x7f.1', '::ffff:127.0.0.1', '0.0.0.0']) {
      await expect(egress.connect(host, port, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    }
  });

  test('an abort ends a dial', async () => {
    const abort = new AbortController();
    const { egress } = start({ lookup: () => new Promise(() => {}) });
    const dialling = egress.connect('slow.example.org', 80, abort.signal);
    abort.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(egress.connect('slow.example.org', 80, abort.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('flows', () => {
  test('the policy is asked at the open and before each datagram', async () => {
    const target = await startUdpTarget();
    const { egress, own } = start({ rules: { allowPrivate: true }, lookup: answers('::ffff:127.0.0.1') });
    const { socket, check } = await egress.openFlow('udp.example.org', target.port, never);
    check();
    socket.send('x');
    expect((await target.next()).data.toString()).toBe('x');
    own.listen(target.port);
    expect(check).toThrow(expect.objectContaining({ code: 'POLICY_DENIED' }));
    socket.close();
    await expect(egress.openFlow('udp.example.org', target.port, never)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
    });
    await expect(start().egress.openFlow('127.0.0.1', 53, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    await expect(start().egress.openFlow('239.1.2.3', 53, never)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  });

  /** More of this size than the 166 that the usual room of Linux holds. */
  const BURST = Array.from({ length: 250 }, (_, n) => Buffer.alloc(500, n));

  const gather = (listen: (take: (bytes: Buffer) => void) => void): Promise<Buffer[]> =>
    new Promise((resolve) => {
      const received: Buffer[] = [];
      listen((bytes) => {
        if (received.push(bytes) === BURST.length) resolve(received);
      });
    });

  test('a burst that is over before anything is read of it comes whole to a flow', async () => {
    const target = await startUdpTarget();
    const { egress } = start({ rules: { allowPrivate: true } });
    const { socket } = await egress.openFlow('127.0.0.1', target.port, never);
    const whole = gather((take) => socket.on('message', take));
    socket.send('x');
    const { reply } = await target.next();
    await Promise.all(BURST.map((bytes) => reply(bytes)));
    expect(await whole).toEqual(BURST);
    socket.close();
  });

  test('and to an association', async () => {
    const target = await startUdpTarget();
    const { egress } = start({ rules: { allowPrivate: true } });
    const datagrams = egress.datagrams();
    onTestFinished(() => datagrams.close());
    const whole = gather((take) => datagrams.listen(take));
    datagrams.send([parseAddress('127.0.0.1')!], target.port, Buffer.from('x'), () => expect.unreachable());
    const { reply } = await target.next();
    await Promise.all(BURST.map((bytes) => reply(bytes)));
    expect(await whole).toEqual(BURST);
  });

  test('an address that cannot be used is passed over for the next', async () => {
    const target = await startUdpTarget();
    const { egress } = start({ rules: { allowPrivate: true }, lookup: answers('fe80::1%none', '127.0.0.1') });
    const { socket } = await egress.openFlow('udp.example.org', target.port, never);
    expect(socket.remoteAddress().address).toBe('127.0.0.1');
    socket.close();
    const alone = start({ rules: { allowPrivate: true }, lookup: answers('fe80::1%none') });
    await expect(alone.egress.openFlow('udp.example.org', target.port, never)).rejects.toMatchObject({
      code: expect.stringMatching(/^DIAL_/),
    });
  });
});
