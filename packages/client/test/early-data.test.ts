/** What an application sends before the dial's answer travels with the open, and what a quick target answers comes back with it. */
import { decodeBody, decodePacket, type PacketValue } from '@millrace/protocol/level2';
import { afterEach, expect, test } from 'vitest';
import { startHttpProxy, startSocks5, type ProxyListener } from '../src/proxy/index.js';
import { createTunnel } from '../src/tunnel/tunnel.js';
import type { Tunnel } from '../src/tunnel/types.js';
import { connectTo } from './proxy/application.js';
import { Level2Carrier, Level2Node } from './support/level2-node.js';
import { KEY } from './support/setup.js';

const QUESTION = 'question';
const TARGET = { host: 'example.org', port: 443 };

let closers: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

/** A tunnel to a node behind which every target says back what it hears, and all that was sent over it both ways. */
function setUp(): { tunnel: Tunnel; up: PacketValue[]; down: PacketValue[] } {
  const up: PacketValue[] = [];
  const down: PacketValue[] = [];
  const read = (body: Uint8Array, of: 'request' | 'response'): PacketValue =>
    decodePacket(decodeBody(new Uint8Array(body), of).packet);
  const node = new Level2Node({
    onReadable: ({ engine, sid }) => {
      const now = performance.now();
      for (let bytes = engine.read(sid); bytes; bytes = engine.read(sid)) {
        engine.write(sid, new Uint8Array(bytes), now);
        engine.consume(sid, bytes.length, now);
      }
    },
  });
  const tunnel = createTunnel({ key: KEY, relays: [{ url: 'http://relay.test', kind: 'node' }], level: '2' }, () => {
    const carrier = new Level2Carrier(node);
    const send = carrier.send.bind(carrier);
    carrier.send = async (body, options) => {
      up.push(read(body, 'request'));
      const answer = await send(body, options);
      if (answer.ok) down.push(read(answer.body, 'response'));
      return answer;
    };
    return carrier;
  });
  closers.push(
    () => node.close(),
    () => tunnel.close(),
  );
  return { tunnel, up, down };
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** The one exchange that opened the stream carried the question, and its answer the target's. */
function expectOneExchange({ up, down }: { up: PacketValue[]; down: PacketValue[] }): void {
  const opening = up.find(({ segments }) => segments?.some(({ open }) => open !== undefined));
  expect(opening?.segments?.map(({ open, d }) => [open?.host, text(d)])).toEqual([[TARGET.host, QUESTION]]);
  expect(up.filter(({ segments }) => segments?.some(({ d }) => d !== undefined)).length).toBe(1);
  const answer = down.find(({ answers }) => answers === opening?.n);
  expect(answer?.segments?.map(({ opened, d }) => [opened?.code, text(d)])).toEqual([['', QUESTION]]);
}

async function throughProxy(
  start: (tunnel: Tunnel, options: { listen: string }) => Promise<ProxyListener>,
  request: Uint8Array,
  answered: number | string,
): Promise<void> {
  const setup = setUp();
  const proxy = await start(setup.tunnel, { listen: '127.0.0.1:0' });
  closers.push(() => proxy.close());
  const app = await connectTo(proxy.address);
  closers.push(() => app.socket.destroy());
  app.write(Buffer.concat([request, Buffer.from(QUESTION)]));
  if (typeof answered === 'number') await app.read(answered);
  else await app.readUntil(answered);
  expect((await app.read(QUESTION.length)).toString()).toBe(QUESTION);
  expectOneExchange(setup);
}

test('greeting, request and first bytes of SOCKS5 in one go cost one exchange', async () => {
  const host = Buffer.from(TARGET.host);
  const port = [TARGET.port >> 8, TARGET.port & 255];
  const request = Buffer.from([5, 1, 0, 5, 1, 0, 3, host.length, ...host, ...port]);
  await throughProxy(startSocks5, request, 12);
});

test('CONNECT of HTTP with bytes behind it costs one exchange', async () => {
  const target = `${TARGET.host}:${TARGET.port}`;
  await throughProxy(startHttpProxy, Buffer.from(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`), '\r\n\r\n');
});

test('what a program writes at once to a stream that it has not waited for costs one exchange', async () => {
  const setup = setUp();
  const stream = await setup.tunnel.connect({ ...TARGET, openReply: 'early' });
  const writer = stream.writable.getWriter();
  const written = writer.write(new TextEncoder().encode(QUESTION));
  const { value } = await stream.readable.getReader().read();
  await written;
  expect(text(value)).toBe(QUESTION);
  expectOneExchange(setup);
});

test('first bytes that are given with the connect cost one exchange', async () => {
  const setup = setUp();
  const stream = await setup.tunnel.connect({ ...TARGET, firstBytes: new TextEncoder().encode(QUESTION) });
  const { value } = await stream.readable.getReader().read();
  expect(text(value)).toBe(QUESTION);
  expectOneExchange(setup);
});
