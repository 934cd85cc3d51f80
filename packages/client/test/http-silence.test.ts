/** What counts as silence of a relay while a request is on its way, over real sockets and a clock that the test moves. */
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { PatternChecker, patternBytes } from '@millrace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeCertificate, type TestCertificate } from './support/certificate.js';
import { failureOf, httpCarrier, textOf } from './support/http-relay.js';

const MIB = 1 << 20;
const TIMEOUT_MS = 1_000;
/** More than the system keeps between two sockets, so that reading as much means that the client has moved. */
const STEP_BYTES = 16 * MIB;
const BODY_BYTES = 4 * STEP_BYTES;
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"r":[]}';

let certificate: TestCertificate;
beforeAll(() => {
  certificate = makeCertificate('relay.test');
});
afterAll(() => certificate.remove());

afterEach(() => {
  vi.useRealTimers();
});

/** A server that reads when it is told to. */
async function reader(secure: boolean): Promise<{ url: string; read(bytes: number): Promise<Socket> }> {
  let wanted = 0;
  let done: ((socket: Socket) => void) | undefined;
  const sockets = new Set<Socket>();
  const pattern = new PatternChecker(1);
  const accept = (socket: Socket): void => {
    let headBytes: number | undefined;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      // The head comes with the first bytes of the body, or alone.
      headBytes ??= chunk.indexOf('\r\n\r\n') + 4;
      const body = chunk.subarray(headBytes);
      headBytes = 0;
      pattern.push(body);
      wanted -= body.length;
      if (wanted > 0) return;
      socket.pause();
      done?.(socket);
    });
    if (wanted <= 0) socket.pause();
  };
  const server = secure ? createTlsServer(certificate, accept) : createServer(accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return {
    url: `${secure ? 'https' : 'http'}://127.0.0.1:${port}/`,
    read: (bytes) =>
      new Promise((resolve) => {
        wanted += bytes;
        done = resolve;
        for (const socket of sockets) socket.resume();
      }),
  };
}

describe.each([
  ['http', false],
  ['https', true],
])('%s', (_, secure) => {
  const entry = (url: string) => ({ url, tlsName: 'relay.test', ...(secure ? { caFile: certificate.caFile } : {}) });

  test('a body that leaves slowly is not silence, however long all of it takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const relay = await reader(secure);
    await using carrier = httpCarrier(entry(relay.url));
    const sent = carrier.send(patternBytes(BODY_BYTES, 1), { timeoutMs: TIMEOUT_MS });
    let socket: Socket | undefined;
    for (let at = 0; at < BODY_BYTES; at += STEP_BYTES) {
      socket = await relay.read(STEP_BYTES);
      await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 100);
    }
    socket?.write(ANSWER);
    expect(textOf(await sent)).toBe('{"r":[]}');
  });

  test('one that stands is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const relay = await reader(secure);
    await using carrier = httpCarrier(entry(relay.url));
    const sent = carrier.send(patternBytes(BODY_BYTES, 1), { timeoutMs: TIMEOUT_MS });
    await relay.read(STEP_BYTES);
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
    expect(failureOf(await sent)).toMatchObject({ code: 'RELAY_TIMEOUT', ambiguous: true });
  });
});
