/** Level 2 between today's client and node, over every way that there is. */
import { once } from 'node:events';
import { patternBytes, PatternChecker, startTarget } from '@millrace/testkit';
import { openTunnel } from '@millrace/client';
import { startNode } from '@millrace/node-server';
import { expect, test } from 'vitest';
import { startStack, type Way } from './support/stack.js';

const MIB = 1024 * 1024;

test.for(['node', 'relay', 'apps-script'] as const)(
  '8 MiB each way, byte for byte, over a %s',
  async (way: Way, context) => {
    const stack = await startStack({ way, client: { level: '2' } });
    context.onTestFinished(() => stack.close());
    const target = await startTarget({ kind: 'manual' });
    context.onTestFinished(() => target.close());
    const stream = await stack.tunnel.connect({ host: 'target.test', port: target.port });
    const connection = await target.next();
    const received = new PatternChecker(1);
    connection.socket.on('data', (chunk) => received.push(chunk));
    const ended = once(connection.socket, 'end');
    const size = 8 * MIB;
    const up = (async () => {
      const writer = stream.writable.getWriter();
      for (let at = 0; at < size; at += 100_000) await writer.write(patternBytes(Math.min(100_000, size - at), 1, at));
      await writer.close();
    })();
    const sent = (async () => {
      for (let at = 0; at < size; at += MIB) connection.socket.write(patternBytes(MIB, 2, at));
      connection.socket.end();
    })();
    const down = new PatternChecker(2);
    for await (const chunk of stream.readable) down.push(chunk);
    down.end(size);
    await Promise.all([up, sent]);
    await Promise.all([stream.closed, ended]);
    received.end(size);
    expect(stack.tunnel.stats().relays[0]).toMatchObject({ level: 2 });
  },
);

test('a node is called alike at both levels', async (context) => {
  const key = 'bXktdGVzdC1rZXktb2YtMzItYnl0ZXM';
  const node = await startNode({ key, listen: '127.0.0.1:0', admin: '' });
  context.onTestFinished(() => node.close());
  const names = await Promise.all(
    (['1', '2', 'auto'] as const).map(async (level) => {
      const tunnel = await openTunnel({ key, level, relays: [{ url: node.url, kind: 'node' }] });
      context.onTestFinished(() => tunnel.close());
      return (await tunnel.probe())[0]?.peer?.node ?? '';
    }),
  );
  expect(names[1]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}$/);
  for (const name of names) expect(name.startsWith(names[1] as string)).toBe(true);
});
