import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Arrivals } from '../arrivals.js';
import { formatAddress } from './address.js';
import { answerQuery } from './dns-answer.js';
import type { ReceivedDatagram, UdpTarget, UdpTargetOptions } from './types.js';

/** Starts a UDP target. */
export async function startUdpTarget(options: UdpTargetOptions, host: string): Promise<UdpTarget> {
  const arrivals = new Arrivals<ReceivedDatagram>('datagram');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data, from) => {
    arrivals.push({ data, from });
    const reply = options.kind === 'dns' ? answerQuery(data, options.records) : data;
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  // What a sender's closed port reports back concerns that sender only.
  socket.on('error', () => {});
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  let closing: Promise<void> | undefined;
  return {
    host,
    port,
    address: formatAddress(host, port),
    get datagrams() {
      return arrivals.all;
    },
    datagram: (index) => arrivals.at(index),
    close() {
      arrivals.end();
      closing ??= new Promise((resolve) => {
        socket.close(() => resolve());
      });
      return closing;
    },
  };
}
