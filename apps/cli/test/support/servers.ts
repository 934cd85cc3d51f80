import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { onTestFinished } from 'vitest';
import { TEST_CERTIFICATE, TEST_KEY } from './certificates.js';

/** Listens on a free port of loopback until the test is over. */
export async function listening<T extends Server>(server: T): Promise<{ server: T; port: number; address: string }> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    sockets.forEach((socket) => socket.destroy());
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, address: `127.0.0.1:${port}` };
}

/** A web server on loopback. */
export async function webServer(listener: RequestListener): Promise<{ url: string; address: string; port: number }> {
  const { address, port } = await listening(createHttpServer(listener));
  return { url: `http://${address}`, address, port };
}

/** A web server with TLS and a certificate that nothing trusts by itself. */
export async function tlsServer(
  listener: RequestListener,
  cert: string = TEST_CERTIFICATE,
): Promise<{ url: string; address: string; port: number }> {
  const { address, port } = await listening(createHttpsServer({ cert, key: TEST_KEY }, listener));
  return { url: `https://${address}`, address, port };
}

/** The address of a port of loopback where nothing listens any more. */
export async function closedPort(): Promise<string> {
  const server = createHttpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
