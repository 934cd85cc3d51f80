import { describe, expect, test } from 'vitest';
import { startLevel2 } from './support/level2-node.js';
import { b64, openStream, startTestNode } from './support/node.js';
import { closedPort, startTarget, startUdpTarget } from './support/target.js';

describe('the admin listener', () => {
  test('healthz and readyz answer, other paths and methods do not', async () => {
    const { node } = await startTestNode({ admin: '127.0.0.1:0' });
    const status = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`${node.adminUrl}${path}`, { method })).status;
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz?x=1')).toBe(200);
    expect(await status('/healthz', 'HEAD')).toBe(200);
    expect(await status('/healthz', 'POST')).toBe(405);
    expect(await status('/tunnel')).toBe(404);
    expect(await status('/')).toBe(404);
  });

  test('metrics count streams, flows, ops, bytes each way, dials, batches, drains and refusals by cause', async () => {
    const test = await startTestNode({ admin: '127.0.0.1:0' });
    const { sid, peer } = await openStream(test);
    const second = await openStream(test);
    const udp = await startUdpTarget();
    await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: udp.port }]);
    const reply = test.batch([{ op: 'data', sid, d: b64('12345') }, { op: 'made up by a client' }]);
    await peer.read(5);
    await peer.write('1234567');
    await reply;
    await test.batch([{ op: 'connect', host: '127.0.0.1', port: await closedPort() }, {}]);
    await test.batch([{ op: 'close', sid: second.sid }]);
    await test.post('{"k":"wrong"}');
    const answer = await fetch(`${test.node.adminUrl}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const metrics = new Map(
      (await answer.text())
        .split('\n')
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
    );
    expect(Object.fromEntries([...metrics].filter(([name]) => EXPECTED[name] !== undefined))).toEqual(EXPECTED);
  });

  const EXPECTED: Record<string, string> = {
    'millrace_open{kind="stream"}': '1',
    'millrace_open{kind="flow"}': '1',
    'millrace_opens_total{kind="stream"}': '3',
    'millrace_opens_total{kind="flow"}': '1',
    'millrace_open_failures_total{kind="stream",code="DIAL_REFUSED"}': '1',
    'millrace_closes_total{kind="stream",code="ok"}': '1',
    'millrace_ops_total{op="connect"}': '3',
    'millrace_ops_total{op="data"}': '1',
    'millrace_ops_total{op="udp_open"}': '1',
    'millrace_ops_total{op="close"}': '1',
    'millrace_ops_total{op="unknown"}': '1',
    'millrace_ops_total{op="invalid"}': '1',
    'millrace_payload_bytes_total{direction="up"}': '5',
    'millrace_payload_bytes_total{direction="down"}': '7',
    millrace_batch_seconds_count: '6',
    millrace_batch_drain_bytes_count: '6',
    millrace_batch_drain_bytes_sum: '7',
    'millrace_dials_total{result="ok"}': '3',
    'millrace_dials_total{result="DIAL_REFUSED"}': '1',
    'millrace_dial_seconds_count{result="ok"}': '3',
    'millrace_refusals_total{code="RELAY_AUTH"}': '1',
    millrace_buffered_bytes: '0',
    millrace_request_bytes: '0',
  };

  test('metrics of level 2 count clients, exchanges, and payload each way', async () => {
    const { client, node } = await startLevel2({ admin: '127.0.0.1:0' });
    const target = await startTarget();
    const stream = client.open(target.port);
    await stream.write('12345');
    const peer = await target.next();
    await peer.read(5);
    await peer.write('1234567');
    await stream.readText(7);
    const text = await (await fetch(`${node.adminUrl}/metrics`)).text();
    for (const line of [
      'millrace_clients 1',
      'millrace_level2_open 1',
      'millrace_open{kind="stream"} 1',
      'millrace_payload_bytes_total{direction="up"} 5',
      'millrace_payload_bytes_total{direction="down"} 7',
      'millrace_dials_total{result="ok"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toMatch(/millrace_held_exchanges \d/);
    expect(text).toMatch(/millrace_exchanges_total [1-9]/);
  });

  test('two nodes of one process count for themselves', async () => {
    const one = await startTestNode({ admin: '127.0.0.1:0' });
    const two = await startTestNode({ admin: '127.0.0.1:0' });
    await one.batch([{ op: 'version' }]);
    expect(await (await fetch(`${one.node.adminUrl}/metrics`)).text()).toContain('millrace_ops_total{op="version"} 1');
    expect(await (await fetch(`${two.node.adminUrl}/metrics`)).text()).not.toContain('version');
  });
});
