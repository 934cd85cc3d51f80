/** The whole client over real HTTP, to a fake node. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { MillraceEvent } from '@millrace/protocol';
import { decodeBatchRequest, encodeBatchResponse } from '@millrace/protocol/level1';
import type { BatchOp } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { PatternChecker, patternBytes } from '@millrace/testkit';
import { openTunnel, TunnelError, type Tunnel } from '../src/index.js';
import { FakeNode } from './support/fake-node.js';
import { HttpRelay, type RelayRequest } from './support/http-relay.js';
import { KEY, NOBODY, readToEnd, until } from './support/setup.js';

/** Serves a fake node over HTTP. */
function serve(relay: HttpRelay, node: FakeNode): void {
  relay.handle = ({ body, response }: RelayRequest) => {
    void node.run(decodeBatchRequest(body).ops as BatchOp[]).then((r) => response.end(encodeBatchResponse({ r })));
  };
}

async function withTunnel(
  run: (setup: { tunnel: Tunnel; node: FakeNode; relay: HttpRelay }) => Promise<void>,
  options: Partial<Parameters<typeof openTunnel>[0]> = {},
): Promise<void> {
  await using relay = await HttpRelay.start();
  const node = new FakeNode();
  serve(relay, node);
  const tunnel = await openTunnel({ key: KEY, relays: [{ url: relay.url, kind: 'node' }], ...options });
  try {
    await run({ tunnel, node, relay });
  } finally {
    await tunnel.close();
  }
}

describe('openTunnel', () => {
  test('streams in both directions are byte for byte right over real HTTP', async () => {
    await withTunnel(async ({ tunnel, node }) => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, seed) => {
          const size = 3_000_000 + seed;
          const stream = await tunnel.connect({ host: `h${seed}`, port: 1, firstBytes: patternBytes(1_000, seed) });
          const target = [...node.targets.values()].find(({ open }) => open.host === `h${seed}`)!;
          const writer = stream.writable.getWriter();
          const up = writer.write(patternBytes(size - 1_000, seed, 1_000)).then(() => writer.close());
          const checker = new PatternChecker(seed + 50);
          const down = readToEnd(stream).then((bytes) => checker.push(bytes));
          for (let at = 0; at < size; at += 500_000)
            target.send(patternBytes(Math.min(500_000, size - at), seed + 50, at));
          target.end();
          await Promise.all([up, down]);
          await stream.closed;
          checker.end(size);
          expect(target.bytes.equals(patternBytes(size, seed))).toBe(true);
        }),
      );
    });
  });

  test('a cold start with a burst of opens: all are opened over the connections that are being opened', async () => {
    await withTunnel(async ({ tunnel, relay, node }) => {
      const streams = await Promise.all(
        Array.from({ length: 100 }, (_, index) => tunnel.connect({ host: `h${index}`, port: 1 })),
      );
      expect(node.targets.size).toBe(100);
      expect(relay.connections.all.length).toBeLessThanOrEqual(30);
      for (const stream of streams) stream.reset();
    });
  });

  test('opening needs no network; what is wrong shows when something is opened, with checkpoints', async () => {
    const tunnel = await openTunnel({ key: KEY, relays: [{ url: NOBODY, kind: 'node' }] });
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'RELAY_OFFLINE' });
    expect(tunnel.timings().at(-1)).toMatchObject({ code: 'RELAY_OFFLINE' });
    await tunnel.close();
  });

  test('checkpoints of the first open hold the steps of its connection', async () => {
    await withTunnel(async ({ tunnel }) => {
      await tunnel.connect({ host: 'h', port: 1 });
      const steps = tunnel.timings()[0]!.checkpoints.map(({ step }) => step);
      expect(steps).toEqual(['attempt_1', 'tcp', 'sent', 'relay-answered', 'dialled']);
    });
  });

  test('events are published on the diagnostics channel', async () => {
    const events: MillraceEvent[] = [];
    const listener = (event: unknown): void => void events.push(event as MillraceEvent);
    subscribe('millrace:client', listener);
    await withTunnel(async ({ tunnel }) => {
      await tunnel.connect({ host: 'h', port: 1 });
    });
    unsubscribe('millrace:client', listener);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['open', 'opened', 'exchange', 'closed']));
  });

  test('wrong options reject with TunnelError', async () => {
    await expect(openTunnel({ key: 'weak', relays: [] })).rejects.toBeInstanceOf(TunnelError);
    await expect(
      openTunnel({ key: KEY, relays: [{ url: 'https://x.invalid', kind: 'node', caFile: '/none' }] }),
    ).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });

  test('closing leaves no connection', async () => {
    await withTunnel(async ({ tunnel, relay, node }) => {
      const stream = await tunnel.connect({ host: 'h', port: 1 });
      await (await node.opened.next()).polled();
      await relay.connections.at(7);
      await tunnel.close();
      await expect(stream.closed).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
      await until(() => relay.open === 0);
      expect(node.targets.size).toBe(0);
    });
  });
});
