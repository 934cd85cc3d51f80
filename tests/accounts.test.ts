/** Accounts with quotas over real relays that count as a provider does. */
import { openTunnel, type Tunnel, type TunnelError } from '@millrace/client';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { startNode } from '@millrace/node-server';
import { SimulatedAccounts, startRelaySimulator, startTarget, type SimulatorSettings } from '@millrace/testkit';
import { describe, expect, test, type TestContext } from 'vitest';

const KEY = 'correct-horse-battery-staple-42';

interface World {
  readonly tunnel: Tunnel;
  readonly events: MillraceEvent[];
  /** Requests that came to both relays and that the account counts, and how many of them were refused for its quota. */
  counted(): { requests: number; refused: number };
  /** Opens a stream to an echo, and has four bytes come back. */
  echo(): Promise<void>;
}

/** A node behind two relays of one account, which the client takes for what `account` says. */
async function world(
  { onTestFinished }: TestContext,
  level: '1' | '2',
  settings: SimulatorSettings,
  account: { dailyRequests?: number; quotaMarginPercent?: number },
): Promise<World> {
  const target = await startTarget({ kind: 'echo' });
  onTestFinished(() => target.close());
  const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true });
  onTestFinished(() => node.close());
  const accounts = new SimulatedAccounts();
  const relays = await Promise.all(
    [1, 2].map((seed) => startRelaySimulator({ ...settings, node: node.url, seed, account: 'mine', accounts })),
  );
  for (const relay of relays) onTestFinished(() => relay.close());
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  const exhausted = new Promise<undefined>((resolve) => {
    hub.subscribe((event) => {
      events.push(event);
      if (event.event === 'accounts-exhausted') resolve(undefined);
    });
  });
  const tunnel = await openTunnel({
    key: KEY,
    level,
    relays: relays.map(({ url }) => ({ url, kind: 'relay', token: 'unchecked', account: 'mine' })),
    accounts: [{ name: 'mine', ...account }],
    events: hub,
  });
  onTestFinished(() => tunnel.close());
  return {
    tunnel,
    events,
    counted: () => {
      const stats = relays.map((relay) => relay.stats());
      return {
        requests: stats.reduce((sum, { requests, faults }) => sum + requests - faults.notText, 0),
        refused: stats.reduce((sum, { faults }) => sum + faults.dailyRequests, 0),
      };
    },
    echo: async () => {
      const stream = await tunnel.connect({ host: '127.0.0.1', port: target.port, firstBytes: Buffer.from('ping') });
      // What was opened by the last request of all may never see its bytes.
      const read = await Promise.race([stream.readable.getReader().read(), exhausted]);
      if (read !== undefined) expect(Buffer.from(read.value!).toString()).toBe('ping');
      stream.reset();
    },
  };
}

/** Opens one stream after the other until that fails because a quota is used up. */
async function useUp({ echo }: World): Promise<TunnelError> {
  for (;;) {
    try {
      await echo();
    } catch (error) {
      expect(error).toMatchObject({ code: 'RELAY_QUOTA_DAY' });
      return error as TunnelError;
    }
  }
}

describe.each(['1', '2'] as const)('level %s', (level) => {
  test('a quota that the client knows is never passed, and opens say until when', async (context) => {
    const made = await world(context, level, { dailyRequests: 40 }, { dailyRequests: 40, quotaMarginPercent: 10 });
    const error = await useUp(made);
    expect(error.message).toMatch(
      /^account mine: 36 of 40 requests a day are used; it is expected to go on at \d{4}-\d\d-\d\d 00:00 UTC$/,
    );
    // The last ones may be on their way, or given up.
    expect(made.counted().requests).toBeGreaterThanOrEqual(30);
    expect(made.tunnel.stats().accounts).toMatchObject([
      { account: 'mine', requestsToday: 36, dailyRequests: 40, exhausted: true },
    ]);
    for (let index = 0; index < 20; index += 1) {
      await expect(made.echo()).rejects.toMatchObject({ code: 'RELAY_QUOTA_DAY' });
    }
    expect(made.counted().requests).toBeLessThanOrEqual(36);
    expect(made.counted().refused).toBe(0);
    expect(made.events.filter(({ event }) => event === 'accounts-exhausted')).toHaveLength(1);
  });

  test('one that only the provider knows costs the requests that were under way, and then none', async (context) => {
    const made = await world(context, level, { dailyRequests: 30, textOnly: true, redirects: 1 }, {});
    await useUp(made);
    const { requests, refused } = made.counted();
    expect(requests - refused).toBeLessThanOrEqual(30);
    expect(refused).toBeGreaterThan(0);
    for (let index = 0; index < 20; index += 1) {
      await expect(made.echo()).rejects.toMatchObject({ code: 'RELAY_QUOTA_DAY' });
    }
    expect(made.counted().requests).toBeLessThanOrEqual(requests + 30);
    expect(made.tunnel.stats().accounts).toMatchObject([{ exhausted: true }]);
    expect(made.events.find(({ event }) => event === 'accounts-exhausted')).toMatchObject({
      code: 'RELAY_QUOTA_DAY',
      accounts: ['mine'],
      timeZone: 'UTC',
    });
  });
});
