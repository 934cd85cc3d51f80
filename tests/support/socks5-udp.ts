/** A SOCKS5 UDP association as a program has it, and a relay that lends it to programs that do not speak SOCKS5. */
import { type Socket as UdpSocket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { Arrivals } from '@millrace/testkit';

export interface SocksDatagram {
  readonly host: string;
  readonly port: number;
  readonly data: Buffer;
}

export interface SocksUdp {
  /** Sends to a target by name or IPv4 address; the name is resolved at the node. */
  send(host: string, port: number, data: Buffer): void;
  readonly received: Arrivals<SocksDatagram>;
  /** Resolves once the proxy has ended the association. */
  readonly ended: Promise<void>;
  /** Ends the association by its TCP connection. */
  close(): void;
}

/** Opens an association (RFC 1928, UDP ASSOCIATE) at a proxy. Spelt out here, since it checks the proxy's own codec. */
export async function associate(proxy: { host: string; port: number }): Promise<SocksUdp> {
  const control = connect({ ...proxy, noDelay: true });
  control.write(Buffer.from([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
  const answer = await readExactly(control, 12);
  if (answer.subarray(0, 6).toString('hex') !== '050005000001')
    throw new Error(`SOCKS5 answered ${answer.toString('hex')}`);
  const relay = { address: answer.subarray(6, 10).join('.'), port: answer.readUInt16BE(10) };
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const received = new Arrivals<SocksDatagram>('datagram');
  socket.on('message', (bytes) => received.push(decode(bytes)));
  const ended = new Promise<void>((resolve) => control.once('close', () => resolve()));
  control.on('error', () => {});
  control.resume();
  return {
    received,
    ended,
    send: (host, port, data) => socket.send(encode(host, port, data), relay.port, relay.address),
    close() {
      control.end();
      socket.close();
    },
  };
}

/** Listens for plain datagrams on loopback and carries them to one target, and its answers back. */
export async function startUdpLoan(
  association: SocksUdp,
  target: { host: string; port: number },
): Promise<{ port: number; close(): void }> {
  const socket: UdpSocket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (bytes, from) => {
    association.send(target.host, target.port, bytes);
    void association.received.next().then(({ data }) => socket.send(data, from.port, from.address));
  });
  return { port: socket.address().port, close: () => socket.close() };
}

function encode(host: string, port: number, data: Buffer): Buffer {
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([0, 0, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255]), data]);
}

function decode(bytes: Buffer): SocksDatagram {
  const type = bytes[3];
  const start = type === 3 ? 5 : 4;
  const end = start + (type === 3 ? bytes[4]! : type === 1 ? 4 : 16);
  const part = bytes.subarray(start, end);
  const host = type === 3 ? part.toString() : type === 1 ? part.join('.') : part.toString('hex');
  return { host, port: bytes.readUInt16BE(end), data: bytes.subarray(end + 2) };
}

function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      if (read.length < bytes) return;
      socket.off('data', onData);
      resolve(read);
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the proxy closed the connection')));
  });
}
