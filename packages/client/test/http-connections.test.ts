/** Connections that stand ready, against real local servers. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners, once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createGate } from '@millrace/testkit';
import { openSocket, SessionCache } from '../src/carriers/http/connect.js';
import { failureOf, httpCarrier, HttpRelay, textOf } from './support/http-relay.js';
import { until } from './support/setup.js';

/** The sockets that are opened from here on. */
function noteSockets(): Socket[] {
  const sockets: Socket[] = [];
  const note = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', note);
  onTestFinished(() => void unsubscribe('net.client.socket', note));
  return sockets;
}

/** Whether the process waits for it. Only the handle, which is Node's own, tells. */
function keepsAlive(socket: Socket): boolean | undefined {
  return (socket as { _handle?: { hasRef(): boolean } | null } & Socket)._handle?.hasRef();
}

describe('http carrier: connections', () => {
  test('as many as asked for are opened at once, and the first request waits for one of them only', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url }, { connections: 8 });
    carrier.carrier.prepare();
    expect(textOf(await carrier.send())).toBe('{"r":[]}');
    await relay.connections.at(7);
    expect(relay.requests.all).toHaveLength(1);
    expect(relay.connections.all).toHaveLength(8);
  });

  test('a burst at a cold start is answered over connections of its own, none more than the bound', async () => {
    await using relay = await HttpRelay.start();
    const gate = createGate();
    relay.handle = ({ response }) => void gate.opened.then(() => response.end('ok'));
    await using carrier = httpCarrier({ url: relay.url }, { connections: 8, maxConcurrent: 30 });
    const burst = Array.from({ length: 30 }, () => carrier.send());
    await relay.requests.at(29);
    expect(relay.open).toBeLessThanOrEqual(30);
    gate.open();
    for (const answer of await Promise.all(burst)) expect(textOf(answer)).toBe('ok');
  });

  test('connections are used again, the one used last first', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url }, { connections: 3 });
    carrier.carrier.prepare();
    await relay.connections.at(2);
    for (let index = 0; index < 10; index += 1) await carrier.send();
    expect(new Set(relay.requests.all.slice(1).map(({ connection }) => connection)).size).toBe(1);
    expect(relay.connections.all).toHaveLength(3);
  });

  test('a server that says something on a connection without a request has lost it', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url }, { connections: 2 });
    carrier.carrier.prepare();
    const [one, two] = await Promise.all([relay.connections.at(0), relay.connections.at(1)]);
    const closed = [one, two].map((socket) => new Promise((resolve) => socket!.once('close', resolve)));
    for (const socket of [one, two]) socket!.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n');
    await Promise.all(closed);
    expect(textOf(await carrier.send())).toBe('{"r":[]}');
    expect((await relay.requests.at(0)).connection).toBeGreaterThanOrEqual(2);
  });

  test('an exchange leaves no timer that keeps a process alive, and no listener on its signal', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url });
    const { signal } = new AbortController();
    const before = timers();
    // The first waits for its connection, the second finds it ready.
    for (let index = 0; index < 2; index += 1) {
      expect(textOf(await carrier.send(undefined, { signal, timeoutMs: 600_000 }))).toBe('{"r":[]}');
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    }
    // Those of the test runner come and go; one of the exchanges would stay for ten minutes.
    await until(() => timers() <= before);
  });

  test('a connection that stands ready keeps no process alive, one that carries a request does', async () => {
    await using relay = await HttpRelay.start();
    const gate = createGate();
    relay.handle = ({ response }) => void gate.opened.then(() => response.end('ok'));
    await using carrier = httpCarrier({ url: relay.url });
    const opened = noteSockets();
    carrier.carrier.prepare();
    await until(() => opened.length > 0 && !opened.some(keepsAlive));
    const sent = carrier.send();
    const { request } = await relay.requests.at(0);
    const used = opened.filter(({ localPort }) => localPort === request.socket.remotePort);
    expect(used.map(keepsAlive)).toEqual([true]);
    gate.open();
    expect(textOf(await sent)).toBe('ok');
  });

  test.each([
    ['while TCP connects', false],
    ['while TLS is agreed on', true],
  ])('what is given up %s is told when nothing is left of it', async (_, secure) => {
    await using relay = await HttpRelay.start();
    const greeted = once(relay.server, 'clientError');
    const opened = noteSockets();
    const closed: Socket[] = [];
    const abort = new AbortController();
    const target = { secure, host: '127.0.0.1', port: relay.port, tlsName: 'relay.test', timeoutMs: 8_000 };
    const opening = openSocket(target, new SessionCache(), abort.signal);
    opened[0]!.once('close', () => closed.push(opened[0]!));
    // What TLS says to it a server of plain HTTP takes for an error, and does not answer when somebody listens.
    if (secure) await greeted;
    abort.abort();
    await expect(opening).rejects.toMatchObject({ stage: secure ? 'tls' : 'tcp' });
    expect(closed).toEqual(opened);
  });

  test('an exchange that was given up before it began is not sent', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url });
    await carrier.send();
    const answer = await carrier.send(undefined, { signal: AbortSignal.abort() });
    expect(failureOf(answer)).toMatchObject({ code: 'ABORTED', ambiguous: false });
    await carrier.send();
    expect(relay.requests.all).toHaveLength(2);
  });

  test('a server that closes after each answer is dealt with', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = ({ response }) => {
      response.setHeader('connection', 'close');
      response.end('ok');
    };
    await using carrier = httpCarrier({ url: relay.url }, { connections: 2 });
    for (let index = 0; index < 20; index += 1) expect(textOf(await carrier.send())).toBe('ok');
    await Promise.all(Array.from({ length: 20 }, () => carrier.send().then(textOf)));
  });

  test('a server that keeps idle connections for no time at all is dealt with', async () => {
    await using relay = await HttpRelay.start();
    relay.server.keepAliveTimeout = 1;
    await using carrier = httpCarrier({ url: relay.url }, { connections: 2 });
    for (let index = 0; index < 20; index += 1) {
      expect(textOf(await carrier.send())).toBe('{"r":[]}');
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  test('Nagle is off, on both schemes', async () => {
    await using relay = await HttpRelay.start();
    const calls: unknown[] = [];
    const { Socket } = await import('node:net');
    const original = Socket.prototype.connect;
    Socket.prototype.connect = function connect(this: InstanceType<typeof Socket>, ...args: never[]) {
      calls.push((args as unknown as [Array<{ noDelay?: boolean }>])[0][0]?.noDelay);
      return (original as (...all: never[]) => typeof this).apply(this, args);
    } as typeof original;
    try {
      await using carrier = httpCarrier({ url: relay.url });
      await carrier.send();
    } finally {
      Socket.prototype.connect = original;
    }
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.every((noDelay) => noDelay === true)).toBe(true);
  });
});
