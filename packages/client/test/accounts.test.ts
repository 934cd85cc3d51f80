/** Accounts with quotas, as a tunnel shows them: what applications are told, and what a restart keeps. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failed, type Carrier } from '../src/carriers/carrier.js';
import { createTunnel } from '../src/tunnel/tunnel.js';
import type { StateStore } from '../src/tunnel/types.js';
import { eventOf, fakeTunnel, type FakeSetup } from './support/setup.js';

const HOUR_MS = 3_600_000;
const NOON = Date.parse('2026-05-02T12:00Z');

class MemoryStore implements StateStore {
  text: string | undefined;
  load = async () => this.text;
  save = async (text: string) => {
    this.text = text;
  };
}

const relays = [0, 1].map((index) => ({
  url: `http://relay${index}.test`,
  kind: 'relay' as const,
  token: 't',
  account: 'mine',
}));
const mine = { name: 'mine', dailyRequests: 40, quotaMarginPercent: 0, quotaReset: '15:00 UTC' };
const options = { relays, accounts: [mine], count: 2, level: '1' as const };

/** Opens streams until one fails, and says how. */
async function useUp({ tunnel }: FakeSetup): Promise<Error> {
  for (;;) {
    try {
      (await tunnel.connect({ host: 'h', port: 1 })).reset();
    } catch (error) {
      return error as Error;
    }
  }
}

const requests = ({ carriers }: FakeSetup): number => carriers.reduce((sum, { sent }) => sum + sent.all.length, 0);

const versions = (setup: FakeSetup): { count: number } => {
  const asked = { count: 0 };
  for (const carrier of setup.carriers) {
    carrier.handleVersion = () => {
      asked.count += 1;
      return undefined;
    };
  }
  return asked;
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: NOON });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('accounts', () => {
  test('two relays of one account share its quota; then opens fail at once, with the code and until when', async () => {
    await using setup = fakeTunnel(options);
    const error = await useUp(setup);
    expect(error).toMatchObject({
      code: 'RELAY_QUOTA_DAY',
      message: 'account mine: 40 of 40 requests a day are used; it is expected to go on at 2026-05-02 15:00 UTC',
    });
    await eventOf(
      setup,
      'accounts-exhausted',
      ({ until, inMs }) => until === NOON + 3 * HOUR_MS && inMs === 3 * HOUR_MS,
    );
    expect(setup.tunnel.stats()).toMatchObject({
      accounts: [
        { account: 'mine', requestsToday: 40, dailyRequests: 40, resetAt: NOON + 3 * HOUR_MS, exhausted: true },
      ],
      relays: [
        { account: 'mine', state: 'resting', code: 'RELAY_QUOTA_DAY', restMs: 3 * HOUR_MS },
        { account: 'mine', state: 'resting' },
      ],
    });
    const used = requests(setup);
    const asked = versions(setup);
    await vi.advanceTimersByTimeAsync(3 * HOUR_MS - 1);
    expect([requests(setup), asked.count]).toEqual([used, 0]);
    await vi.advanceTimersByTimeAsync(1);
    (await setup.tunnel.connect({ host: 'h', port: 1 })).reset();
    expect(setup.tunnel.stats().accounts[0]).toMatchObject({ exhausted: false });
  });

  test('opens that wait for a place fail, too, when the last request of the day is used', async () => {
    await using setup = fakeTunnel({ ...options, accounts: [{ ...mine, dailyRequests: 4 }] });
    // Two requests ask for the nodes; the others take 50 opens each, or polls of streams that are open.
    const opens = Array.from({ length: 200 }, () => setup.tunnel.connect({ host: 'h', port: 1 }));
    const results = await Promise.allSettled(opens);
    const failures = results.filter((result) => result.status === 'rejected');
    expect([100, 150]).toContain(failures.length);
    for (const { reason } of failures) expect(reason).toMatchObject({ code: 'RELAY_QUOTA_DAY' });
  });

  test('called used up, it is asked by an empty question of level 1 when nothing else waits, as often as scheduled', async () => {
    await using setup = fakeTunnel({ ...options, accounts: [{ name: 'mine' }] });
    await eventOf(setup, 'peer', ({ relay }) => relay === 'http://relay1.test/');
    for (const carrier of setup.carriers) carrier.handle = () => failed('RELAY_QUOTA_DAY', 'relay: no more', false);
    expect(await useUp(setup)).toMatchObject({ code: 'RELAY_QUOTA_DAY' });
    const asked: number[] = [];
    let open = false;
    for (const carrier of setup.carriers) {
      carrier.handleVersion = () => {
        asked.push(Math.round((Date.now() - NOON) / 60_000));
        return open ? undefined : failed('RELAY_QUOTA_DAY', 'relay: no more', false);
      };
    }
    const used = requests(setup);
    await vi.advanceTimersByTimeAsync(5 * HOUR_MS);
    expect(asked).toEqual([10, 30, 70, 130, 190, 250]);
    expect(requests(setup)).toBe(used);
    open = true;
    for (const carrier of setup.carriers) carrier.handle = () => undefined;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(asked.slice(6)[0]).toBe(310);
    await setup.tunnel.connect({ host: 'h', port: 1 });
  });

  test('counts survive a restart; a load that hangs delays requests a little, and what was sent before it ended is added', async () => {
    const store = new MemoryStore();
    let used: number;
    {
      await using setup = fakeTunnel({ ...options, store });
      for (let index = 0; index < 10; index += 1) await setup.tunnel.connect({ host: 'h', port: 1 });
      used = setup.tunnel.stats().accounts[0]!.requestsToday;
      expect(used).toBeGreaterThanOrEqual(10);
    }
    const kept = JSON.parse(store.text!) as { accounts: Record<string, { counts: [number, number][] }> };
    // Closing sent some more.
    const atEnd = kept.accounts.mine!.counts[0]![1];
    expect(atEnd).toBeGreaterThanOrEqual(used);
    expect(store.text).not.toContain('token');
    let load = (): void => {};
    const loaded = new Promise<void>((resolve) => (load = resolve));
    store.load = () => loaded.then(() => store.text);
    await using setup = fakeTunnel({ ...options, store });
    const opened = setup.tunnel.connect({ host: 'h', port: 1 });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(setup.tunnel.stats().accounts[0]!.requestsToday).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    await opened;
    const before = setup.tunnel.stats().accounts[0]!.requestsToday;
    load();
    await vi.advanceTimersByTimeAsync(0);
    expect(setup.tunnel.stats().accounts[0]!.requestsToday).toBe(atEnd + before);
  });

  test.each(['1', 'auto'] as const)(
    'at level %s, used up before a restart, it gets nothing after it',
    async (level) => {
      const store = new MemoryStore();
      {
        await using setup = fakeTunnel({ ...options, store });
        await useUp(setup);
      }
      const kept = store.text;
      for (let restart = 0; restart < 3; restart += 1) {
        await using setup = fakeTunnel({ ...options, level, store });
        const asked = versions(setup);
        await vi.advanceTimersByTimeAsync(60_000);
        expect([requests(setup), asked.count]).toEqual([0, 0]);
      }
      expect(JSON.parse(store.text!)).toEqual(JSON.parse(kept!));
    },
  );

  test('used up before a restart, it gets nothing after it either until it is time', async () => {
    const store = new MemoryStore();
    {
      await using setup = fakeTunnel({ ...options, store });
      await useUp(setup);
    }
    vi.setSystemTime(NOON + HOUR_MS);
    await using setup = fakeTunnel({ ...options, store });
    await eventOf(setup, 'accounts-exhausted', ({ until }) => until === NOON + 3 * HOUR_MS);
    await vi.advanceTimersByTimeAsync(1_000);
    const used = setup.tunnel.stats().accounts[0]!.requestsToday;
    await expect(setup.tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'RELAY_QUOTA_DAY' });
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(setup.tunnel.stats().accounts[0]!.requestsToday).toBe(used);
  });

  test('under another rule what was kept counts for nothing, and accounts without a limit are not kept', async () => {
    const store = new MemoryStore();
    {
      await using setup = fakeTunnel({ ...options, store });
      await useUp(setup);
    }
    {
      await using setup = fakeTunnel({ ...options, accounts: [{ ...mine, quotaReset: 'rolling' }], store });
      await vi.advanceTimersByTimeAsync(0);
      await setup.tunnel.connect({ host: 'h', port: 1 });
    }
    expect(JSON.parse(store.text!)).toMatchObject({ accounts: { mine: { reset: 'rolling' } } });
    const other = new MemoryStore();
    {
      await using setup = fakeTunnel({ ...options, accounts: [{ name: 'mine' }], store: other });
      await setup.tunnel.connect({ host: 'h', port: 1 });
    }
    expect(other.text === undefined || !other.text.includes('mine')).toBe(true);
  });
});

describe('accounts at level 2', () => {
  test('called used up, they are asked by a packet without content when nothing else waits, as often as scheduled', async () => {
    const sent: number[] = [];
    const carrier: Carrier = {
      abilities: { paired: true, ordered: false, reliable: false, form: 'bytes', maxBodyBytes: 1 << 20 },
      prepare: () => {},
      send: async () => {
        sent.push(Math.round((Date.now() - NOON) / 60_000));
        return failed('RELAY_QUOTA_DAY', 'relay: no more', false);
      },
      close: async () => {},
    };
    const key = 'correct-horse-battery-staple-42';
    const tunnel = createTunnel({ key, relays, accounts: [{ name: 'mine' }], level: '2' }, () => carrier);
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'RELAY_QUOTA_DAY' });
    const first = sent.length;
    expect(sent.every((minute) => minute === 0)).toBe(true);
    await vi.advanceTimersByTimeAsync(5 * HOUR_MS);
    expect(sent.slice(first)).toEqual([10, 30, 70, 130, 190, 250]);
    const closing = tunnel.close();
    await vi.advanceTimersByTimeAsync(2_000);
    await closing;
  });
});
