/** Accounts in a pool: who gets requests when some or all of them are used up, over virtual days. */
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResolvedAccount } from '../options.js';
import { Account } from './account.js';
import { failed, type Carrier, type CarrierAnswer } from './carrier.js';
import { Relay } from './relay.js';
import { RelayPool, type Exchange } from './relay-pool.js';
import { BlockTeller, blockOf } from './relay-pool-block.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const START = Date.parse('2026-05-02T12:00Z');

const ok: CarrierAnswer = { ok: true, body: new Uint8Array(1) };
const usedUp = failed('RELAY_QUOTA_DAY', 'relay: no more today', false);
const exchange: Exchange<Uint8Array> = {
  body: new Uint8Array(3),
  ops: 1,
  send: { timeoutMs: 1 },
  decode: (body) => ({ ok: true, value: body }),
};

const account = (name: string, more: Partial<ResolvedAccount> = {}): Account =>
  new Account(name, {
    label: name,
    maxConcurrent: 4,
    dailyRequests: undefined,
    quotaReset: '00:00 UTC',
    quotaMarginPercent: 0,
    ...more,
  });

interface World {
  readonly pool: RelayPool;
  readonly events: MillraceEvent[];
  /** When requests were sent, in minutes since the start, by relay. */
  readonly sent: Map<string, number[]>;
}

function world(relays: ReadonlyArray<readonly [string, Account]>, answer: (relay: string) => CarrierAnswer): World {
  const events: MillraceEvent[] = [];
  const sent = new Map<string, number[]>(relays.map(([name]) => [name, []]));
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  const pool = new RelayPool(
    relays.map(([name, of]) => {
      const carrier: Carrier = {
        abilities: { paired: true, ordered: false, reliable: false, form: 'bytes', maxBodyBytes: 1 },
        prepare: () => {},
        send: async () => {
          sent.get(name)!.push((Date.now() - START) / MINUTE_MS);
          return answer(name);
        },
        close: async () => {},
      };
      const entry = { url: name, name, kind: 'relay' as const, bodyKey: '', account: of.name };
      const level2 = { carries: 'auto' as const, holdMs: 1, maxRequestBytes: 1, maxResponseBytes: 1 };
      return new Relay({ ...entry, ...level2 }, carrier, of);
    }),
    hub,
  );
  return { pool, events, sent };
}

const send = (pool: RelayPool, accepts: (relay: Relay) => boolean = () => true): Promise<string> =>
  new Promise((resolve) => {
    pool.request({
      accepts,
      grant: (lease) => void lease.exchange(exchange).then(() => resolve(lease.relay.name)),
    });
  });

const exhaustions = (events: readonly MillraceEvent[]) =>
  events.filter((event) => event.event === 'accounts-exhausted');

const minutes = (list: readonly number[] | undefined): number[] => list!.map((minute) => Math.round(minute));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('an account that its provider calls used up', () => {
  test('gets exactly the scheduled probes over days while nobody sends anything, over one of its relays', async () => {
    let open = false;
    const shared = account('shared');
    const { pool, sent, events } = world(
      [
        ['a', shared],
        ['b', shared],
      ],
      () => (open ? ok : usedUp),
    );
    pool.onProbeDue((relay) => void pool.lease(relay)?.exchange(exchange));
    // Whoever comes second finds the lease taken.
    pool.onProbeDue((relay) => {
      throw new Error(`${relay.name} was asked for twice`);
    });
    await send(pool);
    await vi.advanceTimersByTimeAsync(2 * DAY_MS + 6 * HOUR_MS);
    const probes = minutes([...sent.get('a')!, ...sent.get('b')!].toSorted((one, other) => one - other));
    const hours = Array.from({ length: 11 }, (_, hour) => 130 + hour * 60).filter((minute) => minute < 720);
    // Noon, and midnight; from there on every hour, until a day has passed.
    const second = Array.from({ length: 12 }, (_, hour) => 780 + hour * 60);
    // Then after two, four and six hours, and at midnight.
    const third = [1_440 + 120, 1_440 + 360, 1_440 + 720, 1_440 + 720 + 360, 1_440 + 720 + 720];
    expect(probes).toEqual([0, 10, 30, 70, ...hours, 720, ...second, ...third, 2_880 + 360]);
    open = true;
    await vi.advanceTimersByTimeAsync(6 * HOUR_MS);
    expect(sent.get('a')!.length + sent.get('b')!.length).toBe(probes.length + 1);
    expect(events.at(-2)).toMatchObject({ event: 'relay-works' });
    // And none any more.
    await vi.advanceTimersByTimeAsync(3 * DAY_MS);
    expect(sent.get('a')!.length + sent.get('b')!.length).toBe(probes.length + 1);
    await pool.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('what waits is the probe, and then nobody makes another', async () => {
    const { pool, sent } = world([['a', account('mine')]], () => usedUp);
    let asked = 0;
    pool.onProbeDue(() => {
      asked += 1;
    });
    await send(pool);
    const waiting = [send(pool), send(pool), send(pool)];
    await vi.advanceTimersByTimeAsync(DAY_MS / 2);
    await Promise.all(waiting);
    expect(minutes(sent.get('a'))).toEqual([0, 10, 30, 70]);
    // With nothing left that waits, somebody has to.
    expect(asked).toBeGreaterThan(0);
    await pool.close();
  });

  test('nothing passes in between, whoever asks and however often', async () => {
    const { pool, sent } = world([['a', account('mine')]], () => usedUp);
    const [relay] = pool.relays as [Relay];
    const greedy = (): void => void pool.lease(relay)?.exchange(exchange);
    pool.onChange(greedy);
    greedy();
    for (let minute = 0; minute < 300; minute += 1) {
      for (let index = 0; index < 3; index += 1) {
        expect(relay.gate(performance.now()).concurrency).toBeLessThanOrEqual(4);
        greedy();
      }
      await vi.advanceTimersByTimeAsync(MINUTE_MS);
    }
    // The four of the first moment were under way when the first of them was refused.
    expect(minutes(sent.get('a'))).toEqual([0, 0, 0, 0, 10, 30, 70, 130, 190, 250]);
    await pool.close();
  });

  test('the gate leaves one request beyond those under way, from the time on at which it is due', async () => {
    const { pool } = world([['a', account('mine')]], () => usedUp);
    const [relay] = pool.relays as [Relay];
    expect(relay.gate(performance.now(), 0)).toEqual({ concurrency: 4, blockedUntil: performance.now() });
    const held = pool.lease(relay)!;
    expect(relay.gate(performance.now())).toMatchObject({ concurrency: 4 });
    expect(relay.gate(performance.now(), 0)).toMatchObject({ concurrency: 3 });
    const refusedAt = performance.now();
    await pool.lease(relay)!.exchange(exchange);
    expect(relay.gate(performance.now())).toEqual({ concurrency: 2, blockedUntil: refusedAt + 10 * MINUTE_MS });
    let changes = 0;
    pool.onChange(() => {
      changes += 1;
    });
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    // Whoever keeps gates is told that the rest is over.
    expect(changes).toBeGreaterThan(0);
    expect(relay.gate(performance.now())).toEqual({ concurrency: 2, blockedUntil: performance.now() });
    const probe = pool.lease(relay)!;
    expect(pool.lease(relay)).toBeUndefined();
    expect(relay.gate(performance.now())).toMatchObject({ concurrency: 2 });
    expect(relay.gate(performance.now(), 1)).toMatchObject({ concurrency: 1 });
    probe.giveBack();
    expect(relay.gate(performance.now())).toMatchObject({ concurrency: 2 });
    held.giveBack();
    await pool.close();
  });

  test('does not hold up another account, and its relay is probed while that is used', async () => {
    const { pool, sent } = world(
      [
        ['a', account('mine')],
        ['b', account('yours')],
      ],
      (relay) => (relay === 'a' ? usedUp : ok),
    );
    const passedOver: string[] = [];
    pool.onPassedOver((relay) => passedOver.push(relay.name));
    await send(pool, (relay) => relay.name === 'a');
    for (let index = 0; index < 5; index += 1) expect(await send(pool)).toBe('b');
    expect(passedOver).toEqual([]);
    expect(pool.blockedUntil()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    expect(await send(pool)).toBe('b');
    expect(passedOver).toEqual(['a']);
    expect(sent.get('a')).toHaveLength(1);
    await pool.close();
  });

  test('a relay of it with troubles of its own is not the one that is asked over', async () => {
    const shared = account('shared');
    let open = false;
    const { pool, sent } = world(
      [
        ['a', shared],
        ['b', shared],
      ],
      (relay) => (relay === 'a' ? failed('RELAY_AUTH', 'a: who are you', false) : open ? ok : usedUp),
    );
    pool.onProbeDue((relay) => void pool.lease(relay)?.exchange(exchange));
    await send(pool, (relay) => relay.name === 'a');
    await send(pool, (relay) => relay.name === 'b');
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
    expect(sent.get('a')).toHaveLength(1);
    expect(minutes(sent.get('b'))).toEqual([0, 10, 30]);
    open = true;
    await vi.advanceTimersByTimeAsync(40 * MINUTE_MS);
    expect(shared.open(performance.now())).toBe(true);
    await pool.close();
  });
});

describe('an account that is counted out', () => {
  test('gets exactly what it may use of each day, also with every relay asking all the time', async () => {
    const shared = account('shared', { dailyRequests: 40, quotaMarginPercent: 5 });
    const { pool, sent } = world(
      [
        ['a', shared],
        ['b', shared],
      ],
      () => ok,
    );
    const again = (): void => void send(pool).then(() => setTimeout(again, 1_000));
    for (let index = 0; index < 5; index += 1) again();
    await vi.advanceTimersByTimeAsync(12 * HOUR_MS - 1);
    expect(sent.get('a')!.length + sent.get('b')!.length).toBe(38);
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(sent.get('a')!.length + sent.get('b')!.length).toBe(76);
    await vi.advanceTimersByTimeAsync(2 * DAY_MS);
    expect(sent.get('a')!.length + sent.get('b')!.length).toBe(4 * 38);
    await pool.close();
  });

  test('all that waits is served at the reset, also when one of them is withdrawn then', async () => {
    const yours = account('yours', { maxConcurrent: 1 });
    const { pool, sent } = world(
      [
        ['a', account('mine', { dailyRequests: 2 })],
        ['b', yours],
      ],
      () => ok,
    );
    const [a, b] = pool.relays as [Relay, Relay];
    const busy = pool.lease(b)!;
    await send(pool, (relay) => relay === a);
    await send(pool, (relay) => relay === a);
    const withdraw = pool.request({ accepts: (relay) => relay === b, grant: () => expect.unreachable() });
    // It keeps its lease, so that nothing else makes the pool look again.
    pool.request({ accepts: (relay) => relay === a, grant: () => withdraw() });
    void send(pool, (relay) => relay === a);
    await vi.advanceTimersToNextTimerAsync();
    await vi.advanceTimersByTimeAsync(12 * HOUR_MS - MINUTE_MS);
    expect(minutes(sent.get('a'))).toEqual([0, 0, 720]);
    busy.giveBack();
    await pool.close();
  });

  test('leases that are out count, so that many at once do not pass the limit', async () => {
    const { pool } = world([['a', account('mine', { maxConcurrent: 30, dailyRequests: 3 })]], () => ok);
    const [relay] = pool.relays as [Relay];
    expect(pool.free(() => true)).toBe(3);
    const leases = [pool.lease(relay), pool.lease(relay), pool.lease(relay)];
    expect(pool.lease(relay)).toBeUndefined();
    expect(pool.free(() => true)).toBe(0);
    // One that is given back was no request.
    leases[0]!.giveBack();
    leases[0]!.giveBack();
    expect(pool.inFlight).toBe(2);
    expect(pool.free(() => true)).toBe(1);
    await pool.close();
  });

  test('the last request of the day is told while it is under way', async () => {
    const { pool, events } = world([['a', account('mine', { dailyRequests: 1 })]], () => ok);
    const rested: string[] = [];
    pool.onRest((relay) => rested.push(relay.name));
    const last = pool.lease(pool.relays[0]!)!;
    await vi.advanceTimersByTimeAsync(0);
    expect(exhaustions(events)).toHaveLength(1);
    // Whoever waits for its answer may yet get it.
    expect(rested).toEqual([]);
    await last.exchange(exchange);
    await vi.advanceTimersByTimeAsync(0);
    expect(rested).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(rested).toEqual(['a']);
    expect(exhaustions(events)).toHaveLength(1);
    await pool.close();
  });

  test('one that takes long does not keep those waiting who wait for something else', async () => {
    const { pool } = world([['a', account('mine', { dailyRequests: 1 })]], () => ok);
    const rested: number[] = [];
    pool.onRest(() => rested.push(Date.now() - START));
    const last = pool.lease(pool.relays[0]!)!;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(rested).toEqual([2_000]);
    last.giveBack();
    await vi.advanceTimersByTimeAsync(0);
    // Counted out once more, it is told once more.
    await send(pool);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(rested).toEqual([2_000, HOUR_MS]);
    await pool.close();
  });

  test('the wall clock set ahead over the reset is noticed within a minute', async () => {
    const { pool, sent } = world([['a', account('mine', { dailyRequests: 1 })]], () => ok);
    await send(pool);
    void send(pool);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(sent.get('a')).toHaveLength(1);
    vi.setSystemTime(START + DAY_MS);
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    expect(sent.get('a')).toHaveLength(2);
    await pool.close();
  });
});

describe('when no account takes anything', () => {
  test('the pool says until when, why, and for whom, once', async () => {
    const { pool, events } = world(
      [
        ['a', account('mine', { dailyRequests: 1, quotaReset: '08:00 America/Los_Angeles' })],
        ['b', account('yours')],
        ['c', account('yours too', { dailyRequests: 2, quotaReset: 'rolling' })],
      ],
      (relay) => (relay === 'b' ? usedUp : ok),
    );
    pool.onProbeDue((relay) => void pool.lease(relay)?.exchange(exchange));
    await send(pool, ({ name }) => name === 'a');
    await send(pool, ({ name }) => name === 'b');
    await send(pool, ({ name }) => name === 'c');
    expect(pool.blockedUntil()).toBeUndefined();
    expect(exhaustions(events)).toEqual([]);
    await send(pool, ({ name }) => name === 'c');
    await vi.advanceTimersByTimeAsync(0);
    const until = Date.parse('2026-05-02T15:00Z');
    expect(pool.blockedUntil()).toEqual({
      until: new Date(until),
      inMs: 3 * HOUR_MS,
      code: 'RELAY_QUOTA_DAY',
      message: 'account mine: 1 of 1 requests a day are used; it is expected to go on at 2026-05-02 15:00 UTC',
      account: 'mine',
      timeZone: 'America/Los_Angeles',
      accounts: ['mine', 'yours', 'yours too'],
      relays: ['a', 'b', 'c'],
    });
    const told = {
      event: 'accounts-exhausted',
      code: 'RELAY_QUOTA_DAY',
      account: 'mine',
      accounts: ['mine', 'yours', 'yours too'],
      relays: ['a', 'b', 'c'],
      until,
      inMs: 3 * HOUR_MS,
      timeZone: 'America/Los_Angeles',
    };
    expect(exhaustions(events)).toEqual([told]);
    void send(pool, ({ name }) => name === 'c');
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
    expect(exhaustions(events)).toHaveLength(1);
    expect(pool.blocked(({ name }) => name === 'a')).toMatchObject({ restMs: HOUR_MS });
    // A new day of one of them, and its end, is told anew.
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(pool.blockedUntil()).toBeUndefined();
    await send(pool, ({ name }) => name === 'a');
    await vi.advanceTimersByTimeAsync(0);
    expect(exhaustions(events)).toHaveLength(2);
    // From here on the first is the other one, at midnight.
    expect(exhaustions(events)[1]).toMatchObject({ account: 'yours', until: Date.parse('2026-05-03T00:00Z') });
    await pool.close();
  });

  test('a reset that did not come is told again with the next time, and not while it is being asked', async () => {
    let open = false;
    const { pool, events } = world([['a', account('mine')]], () => (open ? ok : usedUp));
    pool.onProbeDue((relay) => void pool.lease(relay)?.exchange(exchange));
    await send(pool);
    await vi.advanceTimersByTimeAsync(11 * HOUR_MS);
    expect(exhaustions(events).map(({ until }) => until)).toEqual([START + 12 * HOUR_MS]);
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS + 1);
    expect(exhaustions(events).map(({ until }) => (until - START) / HOUR_MS)).toEqual([12, 13, 14]);
    open = true;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(pool.blockedUntil()).toBeUndefined();
    open = false;
    await send(pool);
    await vi.advanceTimersByTimeAsync(0);
    expect(exhaustions(events)).toHaveLength(4);
    await pool.close();
  });

  test('rests that an open waits for are not told, longer ones are', async () => {
    let retryAfterMs = 2_000;
    const { pool, events } = world([['a', account('mine')]], () =>
      failed('RELAY_QUOTA_RATE', 'a: slower', false, { retryAfterMs }),
    );
    await send(pool);
    await vi.advanceTimersByTimeAsync(0);
    expect(pool.blockedUntil()).toMatchObject({ code: 'RELAY_QUOTA_RATE', timeZone: undefined, inMs: 2_000 });
    expect(exhaustions(events)).toEqual([]);
    retryAfterMs = 5_000;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await pool.lease(pool.relays[0]!)!.exchange(exchange)).toMatchObject({
      failure: { code: 'RELAY_QUOTA_RATE', message: 'a: slower; it is expected to go on at 2026-05-02 12:00:07 UTC' },
    });
    await vi.advanceTimersByTimeAsync(0);
    const until = START + 2_000 + 5_000;
    expect(exhaustions(events)).toEqual([
      {
        event: 'accounts-exhausted',
        code: 'RELAY_QUOTA_RATE',
        account: 'mine',
        accounts: ['mine'],
        relays: ['a'],
        until,
        inMs: 5_000,
      },
    ]);
    // Until it works again, not each one is.
    await vi.advanceTimersByTimeAsync(5_000);
    await send(pool);
    await vi.advanceTimersByTimeAsync(0);
    expect(exhaustions(events)).toHaveLength(1);
    retryAfterMs = 1_800_000;
    await vi.advanceTimersByTimeAsync(5_000);
    await send(pool);
    await vi.advanceTimersByTimeAsync(0);
    expect(exhaustions(events).slice(1)).toMatchObject([{ inMs: 1_800_000 }]);
    await pool.close();
  });

  test('a relay that is down is no account that is used up', async () => {
    const { pool, events } = world([['a', account('mine')]], () => failed('RELAY_OFFLINE', 'a: nobody', false));
    await send(pool);
    expect(pool.blocked(() => true)).toMatchObject({ failure: { code: 'RELAY_OFFLINE' } });
    expect(pool.blockedUntil()).toBeUndefined();
    expect(pool.accounts[0]!.stats(performance.now()).requestsToday).toBe(0);
    expect(exhaustions(events)).toEqual([]);
    await pool.close();
  });

  test('requests count that a relay could not pass on, and those that may have come somewhere before they failed', async () => {
    let answer: CarrierAnswer = failed('RELAY_OFFLINE', 'a: the second address is gone', true);
    const { pool } = world([['a', account('mine')]], () => answer);
    const [relay] = pool.relays as [Relay];
    const used = (): number => pool.accounts[0]!.stats(performance.now()).requestsToday;
    await pool.lease(relay)!.exchange(exchange);
    expect(used()).toBe(1);
    answer = ok;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    const decode = () => failed('RELAY_OFFLINE', 'a said that it cannot reach somebody', false);
    await pool.lease(relay)!.exchange({ ...exchange, decode });
    expect(used()).toBe(2);
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    answer = failed('ABORTED', 'a: given up before it was sent', false);
    await pool.lease(relay)!.exchange(exchange);
    expect(used()).toBe(2);
    await pool.close();
  });

  test('after closing there are no timers, whatever ends then', async () => {
    const { pool } = world([['a', account('mine')]], () => usedUp);
    const late = pool.lease(pool.relays[0]!)!;
    await pool.close();
    await late.exchange(exchange);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a time that is hardly later than told is not told', () => {
    const events: MillraceEvent[] = [];
    const hub = new EventHub<MillraceEvent>();
    hub.subscribe((event) => events.push(event));
    const [mine, yours] = [account('mine'), account('yours')];
    const wait = (of: Account, seconds: number): void => {
      const { failure } = failed('RELAY_QUOTA_RATE', 'wait', false, { retryAfterMs: seconds * 1_000 });
      of.fail(of.begin(performance.now()), failure, performance.now(), true);
    };
    const late = mine.begin(performance.now());
    wait(mine, 100);
    wait(yours, 130);
    const teller = new BlockTeller(hub);
    const look = (): void => teller.look([mine, yours], [], performance.now());
    look();
    expect(exhaustions(events)).toMatchObject([{ account: 'mine', inMs: 100_000 }]);
    // Now the other one is the first, half a minute later.
    mine.fail(late, usedUp.failure, performance.now(), true);
    look();
    expect(exhaustions(events)).toHaveLength(1);
    expect(blockOf([mine, yours], [], performance.now())).toMatchObject({ account: 'yours', inMs: 130_000 });
  });

  test('an account that was called used up before the start, and is due, is asked within a minute', async () => {
    const mine = account('mine');
    const { pool, sent } = world([['a', mine]], () => ok);
    pool.onProbeDue((relay) => void pool.lease(relay)?.exchange(exchange));
    const since = START - HOUR_MS;
    mine.restore({ counts: [], offsetMs: 0, probes: { since, refusedAt: since, gapMs: 600_000, nextAt: START - 1 } });
    pool.refresh();
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    expect(sent.get('a')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(sent.get('a')).toHaveLength(1);
    await pool.close();
  });

  test('what is known from before the start counts from then on', async () => {
    const mine = account('mine', { dailyRequests: 5 });
    const { pool, events, sent } = world([['a', mine]], () => ok);
    await send(pool);
    mine.restore({ counts: [[Date.parse('2026-05-02T00:00Z'), 4]], offsetMs: 0 });
    pool.refresh();
    expect(exhaustions(events)).toHaveLength(1);
    void send(pool);
    await vi.advanceTimersByTimeAsync(12 * HOUR_MS - 1);
    expect(sent.get('a')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent.get('a')).toHaveLength(2);
    await pool.close();
  });
});
