import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** One connection as its target sees it. Reads only what the test asks for. */
export class Peer {
  readonly socket: Socket;
  /** The node has ended its side cleanly. */
  readonly ended: Promise<void>;
  /** The connection is gone; tells how. */
  readonly gone: Promise<'clean' | 'reset'>;
  #received: Buffer[] = [];
  #length = 0;
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    let broken = false;
    socket.on('error', () => (broken = true));
    // Node tells a reset that comes with bytes as an end; a write, even of nothing, tells them apart.
    this.ended = new Promise((resolve) => {
      socket.once('end', () =>
        setImmediate(() => (socket.writable ? socket.write('', (error) => error ?? resolve()) : resolve())),
      );
    });
    this.gone = new Promise((resolve) => socket.once('close', () => resolve(broken ? 'reset' : 'clean')));
  }

  /** Bytes that came and were not read yet. */
  get waiting(): number {
    return this.#length;
  }

  /** Reads exactly `length` bytes. */
  async read(length: number): Promise<Buffer> {
    while (this.#length < length) await new Promise<void>((resolve) => (this.#wake = resolve));
    const all = Buffer.concat(this.#received);
    this.#received = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }

  /** Reads what is there, at least one byte. */
  async readSome(): Promise<Buffer> {
    while (this.#length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.read(this.#length);
  }

  /** Reads as many bytes as `text` has, as text. */
  async readText(length: number): Promise<string> {
    return (await this.read(length)).toString();
  }

  /** Sends, and resolves when the system has taken it. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => this.socket.write(bytes, (error) => (error ? reject(error) : resolve())));
  }

  /** Ends this side and goes on reading. */
  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }
}

/** A TCP target on loopback that does nothing by itself. */
export interface TestTarget {
  readonly port: number;
  /** The next connection that was accepted. */
  next(): Promise<Peer>;
}

/** Starts a target, gone with the test. With `paused` it reads nothing until `socket.resume()`. */
export async function startTarget(options: { paused?: boolean; host?: string } = {}): Promise<TestTarget> {
  const accepted: Peer[] = [];
  const asked: Array<(peer: Peer) => void> = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: options.paused ?? false }, (socket) => {
    sockets.add(socket);
    const peer = new Peer(socket);
    if (options.paused) socket.pause();
    const ask = asked.shift();
    if (ask) ask(peer);
    else accepted.push(peer);
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return {
    port: (server.address() as AddressInfo).port,
    next: () => {
      const peer = accepted.shift();
      return peer ? Promise.resolve(peer) : new Promise((resolve) => asked.push(resolve));
    },
  };
}

/** A port of loopback on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A UDP target on loopback: hands out what came, and answers when told to. */
export interface UdpTarget {
  readonly port: number;
  next(): Promise<{
    data: Buffer;
    from: { address: string; port: number };
    reply: (data: Uint8Array | string) => Promise<void>;
  }>;
  /** Sends to anybody. */
  send(data: string, port: number): Promise<void>;
}

/** Starts a UDP target, gone with the test. */
export async function startUdpTarget(host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<UdpTarget> {
  type Got = Awaited<ReturnType<UdpTarget['next']>>;
  const got: Got[] = [];
  const asked: Array<(datagram: Got) => void> = [];
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4');
  const send = (bytes: Uint8Array | string, port: number, address: string): Promise<void> =>
    new Promise((resolve, reject) => socket.send(bytes, port, address, (error) => (error ? reject(error) : resolve())));
  socket.on('message', (data, from) => {
    const datagram = { data, from, reply: (bytes: Uint8Array | string) => send(bytes, from.port, from.address) };
    const ask = asked.shift();
    if (ask) ask(datagram);
    else got.push(datagram);
  });
  socket.bind(0, host);
  await once(socket, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return {
    port: socket.address().port,
    send: (data, port) => send(data, port, host),
    next: () => {
      const datagram = got.shift();
      return datagram ? Promise.resolve(datagram) : new Promise((resolve) => asked.push(resolve));
    },
  };
}
