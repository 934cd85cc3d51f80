import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { failed, type Carrier, type CarrierAnswer } from './carrier.js';
import { Account } from './account.js';
import { Relay } from './relay.js';
import { RelayPool, type Exchange, type Lease } from './relay-pool.js';

const decode = (body: Uint8Array) => ({ ok: true as const, value: body });
const exchange: Exchange<Uint8Array> = { body: new Uint8Array(3), ops: 1, send: { timeoutMs: 1 }, decode };
const LEVEL2 = { carries: 'auto' as const, holdMs: 1, maxRequestBytes: 1, maxResponseBytes: 1 };
const any = (_relay: Relay): boolean => true;

const account = (maxConcurrent: number): Account =>
  new Account('test', {
    label: 'test',
    maxConcurrent,
    dailyRequests: undefined,
    quotaReset: '00:00 UTC',
    quotaMarginPercent: 5,
  });

function relay(
  name: string,
  account: Account,
  answer: () => CarrierAnswer = () => ({ ok: true, body: new Uint8Array(5) }),
): Relay {
  const carrier: Carrier = {
    abilities: { paired: true, ordered: false, reliable: false, form: 'bytes', maxBodyBytes: 1 },
    prepare: () => {},
    send: async () => answer(),
    close: async () => {},
  };
  const entry = { url: name, name, kind: 'node' as const, bodyKey: '', account: name, ...LEVEL2 };
  return new Relay(entry, carrier, account);
}

function setup(...relays: Relay[]): { pool: RelayPool; events: MillraceEvent[] } {
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  return { pool: new RelayPool(relays, hub), events };
}

const lease = (pool: RelayPool, accepts = any, avoid?: Relay): Promise<Lease> =>
  new Promise((resolve) => pool.request({ accepts, avoid, grant: resolve }));

afterEach(() => {
  vi.useRealTimers();
});

describe('relay pool', () => {
  test('leases are granted at once while there are places, then in the order asked', async () => {
    const { pool } = setup(relay('a', account(2)));
    const [one, two] = [await lease(pool), await lease(pool)];
    const order: string[] = [];
    const third = lease(pool).then((granted) => (order.push('third'), granted));
    const fourth = lease(pool).then((granted) => (order.push('fourth'), granted));
    expect(pool.free(any)).toBe(0);
    one.giveBack();
    (await third).giveBack();
    (await fourth).giveBack();
    two.giveBack();
    expect(order).toEqual(['third', 'fourth']);
    expect(pool.inFlight).toBe(0);
    expect(pool.free(any)).toBe(2);
  });

  test('who accepts only a busy relay holds up nobody behind', async () => {
    const [a, b] = [relay('a', account(1)), relay('b', account(1))];
    const { pool } = setup(a, b);
    const onA = (candidate: Relay) => candidate === a;
    const busy = await lease(pool, onA);
    const waiting = lease(pool, onA);
    expect((await lease(pool)).relay).toBe(b);
    busy.giveBack();
    expect((await waiting).relay).toBe(a);
  });

  test('an account counts the requests of all its relays', async () => {
    const shared = account(3);
    const { pool } = setup(relay('a', shared), relay('b', shared));
    for (let index = 0; index < 3; index += 1) await lease(pool);
    expect(pool.free(any)).toBe(0);
    expect(pool.capacity).toBe(3);
  });

  test('relays with similar times take turns, and a much slower one gets less', async () => {
    const relays = ['a', 'b', 'slow'].map((name) => relay(name, account(100)));
    const { pool } = setup(...relays);
    for (const [index, ms] of [100, 105, 2_000].entries()) relays[index]!.measure(ms);
    for (let index = 0; index < 30; index += 1) await lease(pool);
    const counts = relays.map(({ inFlight }) => inFlight);
    expect(Math.abs(counts[0]! - counts[1]!)).toBeLessThanOrEqual(1);
    expect(counts[2]).toBeLessThan(counts[0]! / 5);
  });

  test('a relay to avoid is used only if there is no other', async () => {
    const [a, b] = [relay('a', account(2)), relay('b', account(1))];
    const { pool } = setup(a, b);
    expect((await lease(pool, any, a)).relay).toBe(b);
    expect((await lease(pool, any, a)).relay).toBe(a);
  });

  test('a failed relay rests, with the cause as an event, and works again after one success', async () => {
    vi.useFakeTimers();
    let down = true;
    const a = relay('a', account(2), () =>
      down ? failed('RELAY_HTML', 'a: a page', true) : { ok: true, body: new Uint8Array(5) },
    );
    const { pool, events } = setup(a);
    const rested: Relay[] = [];
    pool.onRest((resting) => rested.push(resting));
    await (await lease(pool)).exchange(exchange);
    expect(rested).toEqual([a]);
    expect(pool.blocked(any)).toMatchObject({ failure: { code: 'RELAY_HTML' }, restMs: 250 });
    expect(a.stats(performance.now())).toMatchObject({ state: 'resting', code: 'RELAY_HTML', restMs: 250 });
    const waiting = lease(pool);
    down = false;
    await vi.advanceTimersByTimeAsync(250);
    expect(a.stats(performance.now())).toMatchObject({ state: 'trying', code: 'RELAY_HTML' });
    await (await waiting).exchange(exchange);
    expect(pool.blocked(any)).toBeUndefined();
    expect(events).toMatchObject([
      { event: 'relay-failed', relay: 'a', code: 'RELAY_HTML', message: 'a: a page', restMs: 250 },
      { event: 'exchange', relay: 'a', ops: 1, bytesOut: 3, bytesIn: 0, code: 'RELAY_HTML' },
      { event: 'relay-works', relay: 'a' },
      { event: 'exchange', relay: 'a', ops: 1, bytesOut: 3, bytesIn: 5 },
    ]);
  });

  test('a rest that ends while requests are looked at is not missed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let time = 0;
    let step = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += step));
    for (let offset = 0; offset < 3; offset += 0.25) {
      step = 0;
      const a = relay('a', account(1), () => failed('RELAY_HTML', 'a: a page', true));
      const { pool } = setup(a);
      await (await lease(pool)).exchange(exchange);
      // Every look at the clock takes time, and the rest ends at one of them.
      time += 250 - offset;
      step = 0.5;
      const waiting = lease(pool);
      await vi.advanceTimersByTimeAsync(10);
      (await waiting).giveBack();
    }
    clock.mockRestore();
  });

  test('a quota rests all relays of the account, and an answer that cannot be read counts as a failure', async () => {
    const shared = account(5);
    const [a, b] = [relay('a', shared, () => failed('RELAY_QUOTA_DAY', 'a: no more', false)), relay('b', shared)];
    const other = relay('c', account(1));
    const { pool } = setup(a, b, other);
    await (await lease(pool, (candidate) => candidate === a)).exchange(exchange);
    expect(pool.blocked((candidate) => candidate === b)).toMatchObject({ failure: { code: 'RELAY_QUOTA_DAY' } });
    expect(pool.blocked(any)).toBeUndefined();
    const result = await (
      await lease(pool)
    ).exchange({ ...exchange, decode: () => failed('RELAY_BODY', 'c: odd', true) });
    expect(result).toMatchObject({ ok: false, failure: { code: 'RELAY_BODY' } });
    expect(pool.blocked(any)).toMatchObject({ failure: { code: 'RELAY_BODY' } });
  });

  test('a relay that is tried after its rest counts for one request, and its account for no more than its places', async () => {
    vi.useFakeTimers();
    const shared = account(5);
    const a = relay('a', shared, () => failed('RELAY_HTML', 'a: a page', true));
    const b = relay('b', shared);
    const { pool } = setup(a, b);
    await pool.lease(a)!.exchange(exchange);
    expect(a.gate(performance.now(), 0)).toEqual({ concurrency: 1, blockedUntil: performance.now() + 250 });
    expect(pool.lease(a)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(250);
    expect(pool.free((candidate) => candidate === a)).toBe(1);
    expect(a.gate(performance.now(), 0)).toEqual({ concurrency: 1, blockedUntil: performance.now() });
    expect(pool.free(any)).toBe(5);
    const trial = pool.lease(a)!;
    expect(pool.free((candidate) => candidate === a)).toBe(0);
    expect(a.gate(performance.now(), 1)).toMatchObject({ concurrency: 1 });
    expect(pool.free(any)).toBe(4);
    trial.giveBack();
    expect(pool.free((candidate) => candidate === a)).toBe(1);
  });

  test('the request that tries a relay may end in any way, and then the next one tries it', async () => {
    vi.useFakeTimers();
    let answer: CarrierAnswer = failed('RELAY_HTML', 'a: a page', true);
    const a = relay('a', account(5), () => answer);
    const { pool } = setup(a);
    await pool.lease(a)!.exchange(exchange);
    await vi.advanceTimersByTimeAsync(250);
    answer = failed('ABORTED', 'a: given up', true);
    await pool.lease(a)!.exchange(exchange);
    expect(a.admits(performance.now())).toBe(true);
    pool.lease(a)!.giveBack();
    expect(a.admits(performance.now())).toBe(true);
    answer = failed('RELAY_QUOTA_RATE', 'a: slower', false);
    await pool.lease(a)!.exchange(exchange);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(a.stats(performance.now())).toMatchObject({ state: 'trying', code: 'RELAY_HTML' });
    answer = { ok: true, body: new Uint8Array(5) };
    await pool.lease(a)!.exchange(exchange);
    expect(a.stats(performance.now())).toMatchObject({ state: 'works' });
  });

  test('a relay whose last exchange failed is passed over for one that works, and that is told', async () => {
    let answer: CarrierAnswer = { ok: true, body: new Uint8Array(5) };
    const [a, b] = [relay('a', account(5), () => answer), relay('b', account(5))];
    const { pool } = setup(a, b);
    await pool.lease(a)!.exchange(exchange);
    await pool.lease(b)!.exchange(exchange);
    answer = failed('RELAY_TIMEOUT', 'a: nothing', true);
    await pool.lease(a)!.exchange(exchange);
    const passedOver: Relay[] = [];
    pool.onPassedOver((relay) => passedOver.push(relay));
    for (let index = 0; index < 3; index += 1) expect((await lease(pool)).relay).toBe(b);
    expect(passedOver).toEqual([a, a, a]);
  });

  test('relays of the same time and load take turns, a new one is taken for as quick as the quickest', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => relay(name, account(9))) as [Relay, Relay, Relay];
    const { pool } = setup(a, b, c);
    const first: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      const granted = await lease(pool);
      first.push(granted.relay.name);
      granted.giveBack();
    }
    expect(new Set(first)).toEqual(new Set(['a', 'b', 'c']));
    a.measure(100);
    b.measure(100);
    // With nothing known of it, it would be taken for far quicker, and get everything.
    const counts = new Map<string, number>();
    for (let index = 0; index < 12; index += 1) {
      const { name } = (await lease(pool)).relay;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual([4, 4, 4]);
  });

  test('what was given up here is no failure of the relay', async () => {
    const a = relay('a', account(1), () => failed('ABORTED', 'a: given up', true));
    const { pool } = setup(a);
    await (await lease(pool)).exchange(exchange);
    expect(pool.blocked(any)).toBeUndefined();
    expect(a.stats(performance.now()).state).toBe('works');
  });

  test('a request can be withdrawn, also while another is granted', async () => {
    const { pool } = setup(relay('a', account(1)));
    const first = await lease(pool);
    let granted = 0;
    const withdraws: Array<() => void> = [];
    for (let index = 0; index < 3; index += 1) {
      withdraws.push(
        pool.request({
          accepts: any,
          grant: (taken) => {
            granted += 1;
            for (const withdraw of withdraws) withdraw();
            taken.giveBack();
          },
        }),
      );
    }
    first.giveBack();
    (await lease(pool)).giveBack();
    expect(granted).toBe(1);
  });

  test('what waits for the end of a rest keeps the process alive, a rest alone does not', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const a = relay('a', account(5), () => failed('RELAY_HTML', 'a: a page', true));
    const { pool } = setup(a);
    await pool.lease(a)!.exchange(exchange);
    await Promise.resolve();
    const before = timers();
    const withdraw = pool.request({ accepts: any, grant: () => {} });
    expect(timers()).toBe(before + 1);
    withdraw();
    await pool.close();
    expect(timers()).toBe(before);
  });

  test('times of exchanges that the node held are not counted', async () => {
    const a = relay('a', account(1));
    const { pool } = setup(a);
    await (await lease(pool)).exchange({ ...exchange, held: true });
    expect(a.latencyMs).toBeUndefined();
    await (await lease(pool)).exchange(exchange);
    expect(a.latencyMs).toBeTypeOf('number');
  });
});
