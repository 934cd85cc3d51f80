import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectTo } from '../../test/proxy/application.js';
import { LOOPBACKS } from '../../test/proxy/loopback.js';
import type { FakeTunnel } from '../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../test/proxy/fake-tunnel.js';
import { startForward } from './forward.js';
import { startHttpProxy } from './http/server.js';
import type { ProxyListener } from './listener.js';
import { isLoopback } from './listener.js';
import type { ListenOptions } from './options.js';
import { startSocks5 } from './socks5/server.js';

let tunnel: FakeTunnel;
let open: ProxyListener[];

beforeEach(() => {
  tunnel = fakeTunnel();
  open = [];
});

afterEach(async () => {
  for (const listener of open) await listener.close();
});

const STARTERS = {
  'the SOCKS5 proxy': (options: ListenOptions) => startSocks5(tunnel, options),
  'the HTTP proxy': (options: ListenOptions) => startHttpProxy(tunnel, options),
  'a forward': (options: ListenOptions) => startForward(tunnel, { host: 'example.org', port: 1, ...options }),
};

describe.each(Object.entries(STARTERS))('%s', (_name, start) => {
  const started = async (options: ListenOptions) => {
    const listener = await start(options);
    open.push(listener);
    return listener;
  };

  test('listens on a free port and says which', async () => {
    for (const host of LOOPBACKS) {
      const { address } = await started({ listen: `${host}:0` });
      expect(address.startsWith(`${host}:`)).toBe(true);
      expect(Number(address.slice(host.length + 1))).toBeGreaterThan(0);
    }
    expect((await started({ listen: 'localhost:0' })).address).toMatch(/^(127\.0\.0\.1|\[::1\]):[1-9]\d*$/);
  });

  test.each(['0.0.0.0:0', '[::]:0', '192.0.2.1:0'])('does not listen on %s without credentials', async (listen) => {
    await expect(start({ listen })).rejects.toMatchObject({ name: 'TunnelError', code: 'PROXY_OPEN' });
  });

  test('names an address that is taken', async () => {
    const { address } = await started({ listen: '127.0.0.1:0' });
    const error = await start({ listen: address }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect((error as Error).message).toContain(address);
  });

  test('names a name that is none', async () => {
    await expect(start({ listen: 'no-such-host.invalid:0' })).rejects.toMatchObject({ code: 'ADDRESS_UNAVAILABLE' });
  });

  test.each([
    [{ listen: 'nonsense' }, 'CONFIG_INVALID'],
    [{ listen: '127.0.0.1:0', openReply: 'soon' }, 'CONFIG_INVALID'],
    [{ listen: '127.0.0.1:0', firstBytesMs: 1001 }, 'CONFIG_INVALID'],
    [{ listen: '127.0.0.1:0', maxSockets: 0 }, 'CONFIG_INVALID'],
    [{ listen: '127.0.0.1:0', halfClosedIdleMs: 0.5 }, 'CONFIG_INVALID'],
    [{ listen: '127.0.0.1:0', firstByteMs: 5 }, 'CONFIG_UNKNOWN_KEY'],
  ])('refuses the options %j', async (options, code) => {
    await expect(start(options as ListenOptions)).rejects.toMatchObject({ code });
  });

  test('closes sockets beyond its bound on arrival, and says so', async () => {
    const { address } = await started({ listen: '127.0.0.1:0', maxSockets: 1 });
    const first = await connectTo(address);
    const refused = new Promise((resolve) => {
      tunnel.events.subscribe((event) => {
        if (event.event === 'proxy-refused') resolve(event.code);
      });
    });
    const second = await connectTo(address);
    expect(await refused).toBe('QUEUE_FULL');
    await second.over;
    first.socket.destroy();
    second.socket.destroy();
  });

  test('once closed it is gone', async () => {
    const listener = await start({ listen: '127.0.0.1:0' });
    await listener.close();
    await listener.close();
    await expect(connectTo(listener.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

test("an address that is not this machine's is named", async () => {
  const error = await startSocks5(tunnel, { listen: '192.0.2.1:0', auth: { user: 'me', password: 'secret' } }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'ADDRESS_UNAVAILABLE' });
  expect((error as Error).message).toContain('192.0.2.1:0');
});

test('with credentials a proxy listens everywhere', async () => {
  const auth = { user: 'me', password: 'secret' };
  open.push(await startSocks5(tunnel, { listen: '0.0.0.0:0', auth }));
  open.push(await startHttpProxy(tunnel, { listen: '0.0.0.0:0', auth }));
  expect(open[0]?.address).toMatch(/^0\.0\.0\.0:/);
});

test.each([
  [{ user: '', password: 'x' }],
  [{ user: 'x', password: '' }],
  [{ user: 'x', password: 'y'.repeat(256) }],
  [{ user: 'a:b', password: 'x' }],
  [{ user: 'x' }],
])('credentials that cannot be given are refused: %j', async (auth) => {
  const options = { listen: '127.0.0.1:0', auth: auth as { user: string; password: string } };
  await expect(startSocks5(tunnel, options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test.each([[{ host: '', port: 1 }], [{ host: 'example.org', port: 0 }], [{ host: 'example.org', port: 65_536 }]])(
  'a forward needs a target: %j',
  async (target) => {
    await expect(startForward(tunnel, { listen: '127.0.0.1:0', ...target })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  },
);

test('loopback is all of 127/8, and ::1', () => {
  for (const address of ['127.0.0.1', '127.255.1.2', '::1']) expect(isLoopback(address)).toBe(true);
  for (const address of ['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', 'localhost', ''])
    expect(isLoopback(address)).toBe(false);
});
