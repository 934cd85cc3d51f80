import { getEventListeners } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openSocket, SessionCache, type OpenSocket } from './connect.js';
import { ConnectionPool } from './connection-pool.js';

let server: Server;
let accepted: Socket[];

beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => {
    socket.on('error', () => {});
    accepted.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function open(signal: AbortSignal): Promise<OpenSocket> {
  const { port } = server.address() as AddressInfo;
  const target = { secure: false, host: '127.0.0.1', port, tlsName: '127.0.0.1', timeoutMs: 5_000 };
  return openSocket(target, new SessionCache(), signal);
}

function pool(options: Partial<ConstructorParameters<typeof ConnectionPool>[0]> = {}): ConnectionPool {
  return new ConnectionPool({ origin: 'http://127.0.0.1', ready: 4, max: 8, open, ...options });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('connection pool', () => {
  test('connections are opened side by side, and who waits gets the first that is ready', async () => {
    const never = new Promise<OpenSocket>(() => {});
    let opens = 0;
    const connections = pool({ open: (signal) => ((opens += 1) < 4 ? never : open(signal)) });
    const connection = await connections.acquire(undefined);
    expect(opens).toBe(4);
    expect(connections.counts).toEqual({ ready: 0, busy: 1, opening: 3 });
    connections.release(connection);
    expect(connections.counts.ready).toBe(1);
  });

  test('a connection that was lost while it stood ready is not handed out', async () => {
    const connections = pool();
    connections.prepare();
    await until(() => connections.counts.ready === 4 && accepted.length === 4);
    for (const socket of accepted.slice(0, 3)) socket.destroy();
    await until(() => connections.counts.ready === 1);
    const connection = await connections.acquire(undefined);
    expect(connection.socket.remotePort).toBe((server.address() as AddressInfo).port);
    expect(connection.socket.localPort).toBe(accepted[3]!.remotePort);
    await connections.close();
  });

  test('who waits is told when nothing can be opened, and not before', async () => {
    const fails: Array<(error: Error) => void> = [];
    const connections = pool({ open: () => new Promise((_resolve, reject) => fails.push(reject)) });
    let told: unknown;
    const acquiring = connections.acquire(undefined).catch((error: unknown) => {
      told = error;
    });
    for (const fail of fails.slice(0, 3)) fail(new Error('refused'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toBeUndefined();
    fails[3]!(new Error('refused, too'));
    await acquiring;
    expect(told).toMatchObject({ message: 'refused, too' });
    await connections.close();
  });

  test('never more than the bound, with spares beyond those in use', async () => {
    const connections = pool({ ready: 1, max: 5 });
    const first = await connections.acquire(undefined);
    await until(() => connections.counts.opening === 0);
    expect(connections.counts).toEqual({ ready: 2, busy: 1, opening: 0 });
    const more = await Promise.all([1, 2, 3, 4].map(() => connections.acquire(undefined)));
    expect(connections.counts).toEqual({ ready: 0, busy: 5, opening: 0 });
    const waiting = connections.acquire(undefined);
    connections.release(first);
    expect(await waiting).toBe(first);
    for (const connection of more) connections.release(connection);
    await connections.close();
    await until(() => accepted.every(({ destroyed, readableEnded }) => destroyed || readableEnded));
  });

  test('waiting can be given up', async () => {
    const connections = pool({ open: () => new Promise(() => {}) });
    const abort = new AbortController();
    const acquiring = connections.acquire(abort.signal);
    abort.abort();
    await expect(acquiring).rejects.toThrow('given up');
    await expect(connections.acquire(abort.signal)).rejects.toThrow('given up');
  });

  test('of several that wait one can give up, and the others get their connections; no listener stays', async () => {
    const connections = pool({ ready: 1, max: 1 });
    const busy = await connections.acquire(undefined);
    const aborts = [0, 1, 2].map(() => new AbortController());
    const got: number[] = [];
    const waiting = aborts.map(({ signal }, index) =>
      connections.acquire(signal).then(
        (connection) => {
          got.push(index);
          connections.release(connection);
        },
        () => {},
      ),
    );
    aborts[1]!.abort();
    connections.release(busy);
    await Promise.all(waiting);
    expect(got).toEqual([0, 2]);
    for (const { signal } of [aborts[0]!, aborts[2]!]) expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Too late: it has its connection, and nobody else's is taken.
    aborts[0]!.abort();
    await connections.close();
  });

  test('a place that a lost connection leaves goes to who waits', async () => {
    const connections = pool({ ready: 1, max: 1 });
    const busy = await connections.acquire(undefined);
    const waiting = connections.acquire(undefined);
    busy.socket.destroy();
    connections.release(busy);
    const next = await waiting;
    expect(next).not.toBe(busy);
    await connections.close();
  });

  test('lost connections are replaced ever more slowly, until there is a request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const opens: number[] = [];
      let seconds = 0;
      const connections = pool({
        ready: 1,
        max: 1,
        open: () => {
          opens.push(seconds);
          return Promise.reject(new Error('refused'));
        },
      });
      connections.prepare();
      for (; seconds < 300; seconds += 1) await vi.advanceTimersByTimeAsync(1_000);
      expect(opens).toEqual([0, 0, 2, 6, 14, 30, 62, 122, 182, 242]);
      await expect(connections.acquire(undefined)).rejects.toThrow('refused');
      opens.length = 0;
      const from = seconds;
      for (; seconds < from + 120; seconds += 1) await vi.advanceTimersByTimeAsync(1_000);
      // The one that was about to come still does; from there on it begins anew.
      expect(opens.length).toBeGreaterThanOrEqual(4);
      await connections.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('spares are opened when a ready one is taken', async () => {
    const connections = pool({ ready: 1, max: 3 });
    connections.prepare();
    await until(() => connections.counts.ready === 2);
    await connections.acquire(undefined);
    expect(connections.counts).toEqual({ ready: 1, busy: 1, opening: 1 });
    await connections.close();
  });

  test('closing ends idle ones, busy ones and those being opened', async () => {
    const connections = pool();
    const busy = await connections.acquire(undefined);
    await connections.close();
    expect(busy.socket.destroyed).toBe(true);
    await expect(connections.acquire(undefined)).rejects.toThrow('given up');
  });
});

test('an open that is over, well or badly, leaves no listener on its signal', async () => {
  const { signal } = new AbortController();
  const { socket } = await open(signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  socket.destroy();
  const nobody = { secure: false, host: '127.0.0.1', port: 1, tlsName: '127.0.0.1', timeoutMs: 5_000 };
  await expect(openSocket(nobody, new SessionCache(), signal)).rejects.toMatchObject({ stage: 'tcp' });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
