import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { EXPIRED_CERTIFICATE, TEST_CERTIFICATE } from '../../test/support/certificates.js';
import { closedPort, listening, tlsServer, webServer } from '../../test/support/servers.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { checkName, checkPlain, checkTcp, checkTls, endpointOf } from './reach.js';

/** Longer than anything on loopback takes; no test waits for it. */
const LONG_MS = 60_000;

const of = (url: string, more: { connectTo?: string; tlsName?: string } = {}) => endpointOf({ url, ...more });

describe('where a relay entry leads', () => {
  test.each([
    ['https://h.example/x', {}, { host: 'h.example', port: 443, tls: true, serverName: 'h.example' }],
    ['http://h.example', {}, { host: 'h.example', port: 80, tls: false, serverName: 'h.example' }],
    [
      'https://h.example:8443',
      { connectTo: '192.0.2.1:1' },
      { host: '192.0.2.1', port: 1, tls: true, serverName: 'h.example' },
    ],
    ['https://h.example', { tlsName: 'other' }, { host: 'h.example', port: 443, tls: true, serverName: 'other' }],
    ['https://[::1]:1/', {}, { host: '::1', port: 1, tls: true, serverName: '::1' }],
  ])('%s %j', (url, more, expected) => {
    expect(of(url, more)).toEqual(expected);
  });
});

describe('the name', () => {
  test('is looked up', async () => {
    expect(await checkName(of('http://localhost'))).toMatchObject({
      ok: true,
      message: expect.stringContaining('127.0.0.1') as unknown,
    });
  });

  test('needs no look-up where there is an address', async () => {
    expect(await checkName(of('http://127.0.0.1'))).toMatchObject({ ok: true });
    expect(await checkName(of('http://relay.invalid', { connectTo: '127.0.0.1:1' }))).toMatchObject({ ok: true });
  });

  test('that does not exist is RELAY_NAME', async () => {
    expect(await checkName(of('http://relay.invalid'))).toMatchObject({ ok: false, code: 'RELAY_NAME' });
  });
});

describe('the connection', () => {
  test('is opened', async () => {
    const { url } = await webServer(() => {});
    expect(await checkTcp(of(url), LONG_MS)).toMatchObject({ ok: true });
  });

  test('that is refused is RELAY_OFFLINE', async () => {
    expect(await checkTcp(of(`http://${await closedPort()}`), LONG_MS)).toMatchObject({
      ok: false,
      code: 'RELAY_OFFLINE',
      message: expect.stringContaining('nothing listens there') as unknown,
    });
  });
});

describe('TLS', () => {
  test('works with a certificate that is trusted for the name', async () => {
    const { url, port } = await tlsServer(() => {});
    const ca = tempDir().file('ca.pem', TEST_CERTIFICATE);
    expect(await checkTls(of(url), ca, LONG_MS)).toMatchObject({ ok: true });
    const elsewhere = of('https://relay.invalid', { connectTo: `127.0.0.1:${port}`, tlsName: 'localhost' });
    expect(await checkTls(elsewhere, ca, LONG_MS)).toMatchObject({ ok: true });
  });

  test('fails for another name', async () => {
    const { port } = await tlsServer(() => {});
    const ca = tempDir().file('ca.pem', TEST_CERTIFICATE);
    const finding = await checkTls(of('https://relay.invalid', { connectTo: `127.0.0.1:${port}` }), ca, LONG_MS);
    expect(finding).toMatchObject({ ok: false, code: 'RELAY_TLS' });
  });

  test('fails with a certificate that nobody trusts', async () => {
    const { url } = await tlsServer(() => {});
    expect(await checkTls(of(url), undefined, LONG_MS)).toMatchObject({ ok: false, code: 'RELAY_TLS' });
  });

  test('that fails by its dates points at the clock', async () => {
    const { port } = await tlsServer(() => {}, EXPIRED_CERTIFICATE);
    const ca = tempDir().file('ca.pem', EXPIRED_CERTIFICATE);
    const finding = await checkTls(of(`https://localhost:${port}`, { connectTo: `127.0.0.1:${port}` }), ca, LONG_MS);
    expect(finding).toMatchObject({ ok: false, code: 'RELAY_TLS', next: expect.stringContaining('clock') as unknown });
  });

  test('with a port that speaks plain HTTP is RELAY_SCHEME', async () => {
    const { port } = await webServer((_request, response) => response.end());
    expect(await checkTls(of(`https://127.0.0.1:${port}`), undefined, LONG_MS)).toMatchObject({
      ok: false,
      code: 'RELAY_SCHEME',
      next: expect.stringContaining('http://') as unknown,
    });
  });

  test('with a port that hangs up is RELAY_TLS', async () => {
    const { address } = await listening(createServer((socket) => socket.end()));
    expect(await checkTls(of(`https://${address}`), undefined, LONG_MS)).toMatchObject({
      ok: false,
      code: 'RELAY_TLS',
    });
  });

  test('with a file of authorities that is not there says so', async () => {
    const { url } = await tlsServer(() => {});
    const ca = tempDir().path('none.pem');
    await expect(checkTls(of(url), ca, LONG_MS)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('an http address', () => {
  test('of a port that speaks TLS is RELAY_SCHEME', async () => {
    const { port } = await tlsServer(() => {});
    expect(await checkPlain(of(`http://127.0.0.1:${port}`), LONG_MS)).toMatchObject({
      ok: false,
      code: 'RELAY_SCHEME',
      next: expect.stringContaining('https://') as unknown,
    });
  });

  test('of a port that does not is not to blame', async () => {
    const { url } = await webServer((_request, response) => response.end());
    expect(await checkPlain(of(url), LONG_MS)).toBeUndefined();
  });
});
