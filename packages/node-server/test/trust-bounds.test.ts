import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, KEY, openStream, startClockedNode, startTestNode } from './support/node.js';
import { GOOD, MIB, post, raw, refusedCodes } from './support/raw.js';

describe('gzip', () => {
  test('a zipped batch is told by its first bytes, whatever the headers say', async () => {
    const test = await startTestNode();
    const answer = await test.post(gzipSync(GOOD));
    expect(JSON.parse(answer.body.toString())).toMatchObject({ r: [{ caps: 7 }] });
  });

  test('a zipped batch in several members is read whole', async () => {
    const test = await startTestNode();
    const answer = await test.post(Buffer.concat([gzipSync(GOOD.slice(0, 10)), gzipSync(GOOD.slice(10))]));
    expect(JSON.parse(answer.body.toString())).toMatchObject({ r: [{ caps: 7 }] });
  });

  test('a bomb by ratio is refused before it has unzipped, and nothing of it stays', async () => {
    const test = await startTestNode();
    const bomb = gzipSync(
      Buffer.concat([Buffer.from(`{"k":"${KEY}","ops":[],"x":"`), Buffer.alloc(40 * MIB, 'a'), Buffer.from('"}')]),
    );
    expect(bomb.length * 100).toBeLessThan(40 * MIB);
    expect((await test.post(bomb)).status).toBe(404);
    expect(refusedCodes(test)).toEqual(['BODY_BAD_GZIP']);
    expect(test.node.stats().requestBytes).toBe(0);
  });

  test('a bomb by size is refused too', async () => {
    const test = await startTestNode();
    // Random enough for a small ratio, and 65 MiB of it.
    const block = Buffer.from(Array.from({ length: MIB }, (_, n) => 97 + ((n * 7_919 + (n >> 5)) % 23)));
    const bomb = gzipSync(
      Buffer.concat([Buffer.from(`{"k":"${KEY}","x":"`), ...Array.from({ length: 65 }, () => block)]),
      { level: 1, strategy: 2 },
    );
    expect(bomb.length).toBeGreaterThan((65 * MIB) / 100);
    expect((await test.post(bomb)).status).toBe(404);
    expect(refusedCodes(test)).toEqual(['BODY_TOO_LARGE']);
  });
});

describe('bounds of requests', () => {
  test('bodies of all requests together are bounded; one more is refused as everything else is', async () => {
    const test = await startTestNode({ maxRequestBytes: 64 * MIB });
    const { sid } = await openStream(test);
    // Held by a poll, so that its body stays counted.
    const filler = 'x'.repeat(60 * MIB);
    const held = test.post(`{"k":"${KEY}","x":"${filler}","ops":[{"op":"data","sid":"${sid}"}]}`);
    await eventually(() => test.node.stats().requestBytes > 60 * MIB && test.node.stats().requests === 1);
    const refused = await test.post(`{"k":"${KEY}","x":"${'x'.repeat(5 * MIB)}","ops":[]}`);
    expect(refused.status).toBe(404);
    expect(refusedCodes(test)).toEqual(['NODE_BUSY']);
    expect((await test.post(GOOD)).status).toBe(200);
    await test.batch([{ op: 'close', sid }]);
    expect((await held).status).toBe(200);
    await eventually(() => test.node.stats().requestBytes === 0);
  });

  test('requests at once are bounded', async () => {
    const test = await startTestNode({}, { limits: { maxRequests: 2 } });
    const { sid } = await openStream(test);
    const polls = [test.batch([{ op: 'data', sid }]), test.batch([{ op: 'data', sid }])];
    await eventually(() => test.node.stats().requests === 2);
    expect((await test.post(GOOD)).status).toBe(404);
    expect(refusedCodes(test)).toEqual(['NODE_BUSY']);
    await Promise.all([...polls, test.node.close()].map((promise) => promise.catch(() => {})));
  });

  test('streams at once are bounded, dials included', async () => {
    const test = await startTestNode({ maxStreams: 2, lookup: () => new Promise(() => {}) });
    await openStream(test);
    const client = new AbortController();
    const dialling = test.batch([{ op: 'connect', host: 'slow.example.org', port: 80 }], client.signal);
    await eventually(() => test.node.stats().opening === 1);
    expect(await test.batch([{ op: 'connect', host: '127.0.0.1', port: 80 }])).toEqual([
      { e: expect.any(String), code: 'NODE_BUSY' },
    ]);
    client.abort();
    await expect(dialling).rejects.toThrow();
  });

  test('a long poll is cut by no timer of the server, a request that does not arrive is', async () => {
    const test = await startClockedNode(
      {},
      {
        limits: {
          headersTimeoutMs: 50,
          requestTimeoutMs: 100,
          connectionsCheckMs: 10,
          answerStallMs: 50,
          keepAliveMs: 60,
        },
      },
    );
    const { sid, peer } = await openStream(test);
    const poll = test.batch([{ op: 'data', sid }]);
    await test.clock.scheduled(15_000);
    // Ends by the server's own timers, several times as long as any of them waits.
    const page = await raw(test, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    for (let n = 0; n < 3; n++)
      expect(await raw(test, 'POST /tunnel HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc')).toBe(page);
    expect(await raw(test, 'POST /tunnel HTTP/1.1\r\nhost:')).toBe(page);
    await peer.write('late');
    expect(await poll).toEqual([{ sid, d: b64('late'), eof: false }]);
  });

  test('an answer of which no byte leaves any more is given up, and its stream is broken', async () => {
    const test = await startTestNode({}, { limits: { answerStallMs: 50 } });
    const { sid, peer } = await openStream(test);
    peer.socket.write(Buffer.alloc(16 * MIB));
    await eventually(() => test.node.stats().bufferedBytes === 16 * MIB);
    const url = new URL(test.node.url);
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    socket.on('error', () => {});
    socket.pause();
    socket.write(post(JSON.stringify({ k: KEY, ops: [{ op: 'data', sid }] })));
    expect(await peer.gone).toBe('reset');
    await eventually(() => test.node.stats().requests === 0);
    expect(test.node.stats().bufferedBytes).toBe(0);
    socket.destroy();
  });

  test('a request that was sent before the answer to the one before it polls as long as any', async () => {
    const test = await startTestNode({}, { limits: { answerStallMs: 30, keepAliveMs: 30 } });
    const { sid, peer } = await openStream(test);
    const url = new URL(test.node.url);
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    let got = '';
    socket.on('data', (chunk) => (got += String(chunk)));
    const closed = once(socket, 'close');
    const poll = post(JSON.stringify({ k: KEY, ops: [{ op: 'data', sid }] }));
    socket.write(Buffer.concat([Buffer.from(post(GOOD)), Buffer.from(poll)]));
    await eventually(() => got.includes('"caps":7'));
    // Another connection that is idle is closed meanwhile, by the same timers.
    const idle = connect({ host: url.hostname, port: Number(url.port) });
    idle.on('data', () => {});
    idle.write(post(GOOD));
    await once(idle, 'close');
    expect(socket.destroyed).toBe(false);
    await peer.write('late');
    await closed;
    expect(got).toContain(`{"r":[{"sid":"${sid}","d":"bGF0ZQ==","eof":false}]}`);
  });

  test('connections are kept for the next request', async () => {
    const test = await startTestNode();
    const url = new URL(test.node.url);
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    socket.setEncoding('utf8');
    let got = '';
    socket.on('data', (chunk: string) => (got += chunk));
    for (let n = 1; n <= 3; n++) {
      socket.write(post(GOOD));
      await eventually(() => got.split('"caps":7').length === n + 1 && got.endsWith('}]}'));
    }
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});

describe('TLS', () => {
  test('a node with a certificate serves HTTPS, and closes although a handshake hangs', async () => {
    const pem = (name: string): string => readFileSync(new URL(`support/${name}.pem`, import.meta.url), 'utf8');
    const test = await startTestNode({ tls: { cert: pem('cert'), key: pem('key') } });
    expect(test.node.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const url = new URL(test.node.url);
    const hanging = connect({ host: url.hostname, port: Number(url.port) });
    await once(hanging, 'connect');
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(
        `${test.node.url}/tunnel/batch`,
        { method: 'POST', agent: false, ca: pem('cert'), servername: 'localhost' },
        (response) => {
          response.resume();
          resolve(response.statusCode!);
        },
      );
      sent.on('error', reject);
      sent.end(GOOD);
    });
    expect(status).toBe(200);
    const closed = once(hanging, 'close');
    hanging.on('error', () => {});
    await test.node.close();
    await closed;
  });
});
