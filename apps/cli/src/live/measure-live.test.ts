import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startNode } from '@millrace/node-server';
import { startRelay } from '@millrace/relay/node';
import { patternBytes } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { measureLive } from './index.js';

const KEY = 'a-key-of-this-test-that-is-long-enough';
const TOKEN = 'a-token-of-this-test-that-is-long';
const BYTES = 200_000;

test('a live measurement measures each relay by itself, bounded, and says what to change', async () => {
  const received: number[] = [];
  const web = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.once('end', () => {
      if (request.method === 'POST') received.push(bytes);
      response.end(request.method === 'POST' ? 'taken' : patternBytes(BYTES * 3, 1));
    });
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
  const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true, longPollMs: 100 });
  const relay = await startRelay({ listen: '127.0.0.1:0', node: node.url, token: TOKEN });
  try {
    const wrong = { url: relay.url, kind: 'relay' as const, token: 'another-token-that-is-wrong-here' };
    const report = await measureLive({
      tunnel: { key: KEY, relays: [{ url: relay.url, kind: 'relay', token: TOKEN }, wrong] },
      download: url,
      upload: url,
      maxBytes: BYTES,
      probes: 3,
    });
    const [good, bad] = report.relays;
    expect(good!.errors).toEqual([]);
    expect(good).toMatchObject({ works: true, kind: 'relay', uploadBytes: BYTES });
    expect(good!.downloadBytes).toBeGreaterThanOrEqual(BYTES);
    expect(received).toEqual([BYTES]);
    expect(good!.requests).toBeGreaterThanOrEqual(5);
    expect(good!.wireBytes).toBeGreaterThan(BYTES * 2);
    expect(bad).toMatchObject({ works: false, errors: [{ part: 'latency', code: 'RELAY_AUTH' }] });
    expect(JSON.stringify(report)).not.toContain(TOKEN);
    expect(report.requests).toBe(good!.requests + bad!.requests);
    expect(report.advice.join('\n')).toMatch(/does not work \(RELAY_AUTH/);
  } finally {
    await relay.close();
    await node.close();
    web.close();
    web.closeAllConnections();
  }
});

test('what a server says has no code of the tunnel, and a limit is told as such', async () => {
  const web = createServer((request, response) => {
    // The other address is never answered.
    if (request.url === '/none') response.writeHead(404).end();
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true, longPollMs: 10 });
  try {
    const tunnel = { key: KEY, level: '1' as const, relays: [{ url: node.url, kind: 'node' as const }] };
    const missing = await measureLive({ tunnel, download: `${url}/none`, probes: 1 });
    expect(missing.relays[0]?.errors).toEqual([{ part: 'download', text: `${url}/none answered 404` }]);
    const hangs = await measureLive({ tunnel, download: `${url}/hang`, probes: 1, maxRequests: 10 });
    expect(hangs.relays[0]?.errors).toEqual([{ part: 'download', code: 'ABORTED', text: 'stopped after 10 requests' }]);
  } finally {
    await node.close();
    web.close();
    web.closeAllConnections();
  }
});
