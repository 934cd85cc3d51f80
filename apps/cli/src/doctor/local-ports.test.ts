import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { closedPort, listening, webServer } from '../../test/support/servers.js';
import { checkLocalPort } from './local-ports.js';

test('a free port is fine, and free again after the check', async () => {
  const address = await closedPort();
  expect(await checkLocalPort('--socks', address)).toMatchObject({ ok: true });
  expect(await checkLocalPort('--socks', address)).toMatchObject({ ok: true });
});

test('port 0 is fine', async () => {
  expect(await checkLocalPort('--socks', '127.0.0.1:0')).toMatchObject({ ok: true });
});

test('a port in use is ADDRESS_IN_USE and says how to choose another', async () => {
  const { address } = await listening(createServer((socket) => socket.end('220 mail\r\n')));
  expect(await checkLocalPort('--http', address)).toMatchObject({
    ok: false,
    code: 'ADDRESS_IN_USE',
    next: expect.stringContaining('--http HOST:PORT') as unknown,
  });
});

test('a port in use by a proxy that says it is Millrace is fine', async () => {
  const { address } = await webServer((_request, response) => response.end('This is the HTTP proxy of Millrace.'));
  expect(await checkLocalPort('--http', address)).toMatchObject({ ok: true });
});

test('an address that is not of this machine is ADDRESS_UNAVAILABLE', async () => {
  expect(await checkLocalPort('--socks', '198.51.100.1:1')).toMatchObject({ ok: false, code: 'ADDRESS_UNAVAILABLE' });
});
