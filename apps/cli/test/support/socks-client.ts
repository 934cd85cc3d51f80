import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/**
 * Opens a connection to an IPv4 target through a SOCKS5 proxy (RFC 1928), by hand.
 * @returns the socket after the reply, and the reply code: 0 for success
 */
export async function socksConnect(
  proxy: string,
  target: { host: string; port: number },
): Promise<{ socket: Socket; reply: number }> {
  const [host, port] = proxy.split(':');
  const socket = connect({ host: host ?? '', port: Number(port), allowHalfOpen: true, noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(Buffer.from([5, 1, 0]));
  await readExactly(socket, 2);
  const address = target.host.split('.').map(Number);
  socket.write(Buffer.from([5, 1, 0, 1, ...address, target.port >> 8, target.port & 255]));
  const answer = await readExactly(socket, 10);
  return { socket, reply: answer[1] ?? 255 };
}

/**
 * Sends bytes and waits for as many to come back, all of them compared. Level 1 does not carry the end of an upload, so
 * an echo would wait for it.
 */
export async function expectEchoed(socket: Socket, sent: Uint8Array): Promise<void> {
  const checked = new Promise<void>((resolve, reject) => {
    let position = 0;
    socket.on('data', (chunk: Buffer) => {
      if (!chunk.equals(sent.subarray(position, position + chunk.length)))
        reject(new Error(`wrong bytes after ${position}`));
      position += chunk.length;
      if (position === sent.length) resolve();
    });
    socket.once('close', () => reject(new Error(`cut after ${position} bytes`)));
  });
  socket.write(sent);
  await checked;
  socket.removeAllListeners('data').removeAllListeners('close');
}

async function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read(bytes) as Buffer | null;
    if (chunk?.length === bytes) return chunk;
    if (socket.readableEnded) throw new Error('the proxy hung up');
    await Promise.race([once(socket, 'readable'), once(socket, 'end')]);
  }
}
