import type { Socket as UdpSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import type { TunnelUdp } from '../../tunnel/types.js';
import type { ProxyContext } from '../context.js';
import { farewell } from '../farewell.js';
import type { Inlet } from '../inlet.js';
import { PROXY_LIMITS } from '../limits.js';
import { asTunnelError } from '../open-reply.js';
import { decodeDatagram, encodeDatagram } from './datagram.js';
import { reply } from './messages.js';
import { REPLY, replyFor } from './replies.js';

/**
 * Serves UDP ASSOCIATE (RFC 1928, section 7) until its TCP connection ends.
 *
 * The UDP socket is bound to the local address that the program reached the proxy at. Datagrams are taken from the
 * program's address only, and from one port: the one it named in the request, or else that of its first datagram, so
 * that no other program of a shared machine can join in. Names are resolved at the node; what comes back carries its
 * source.
 */
export async function associate(context: ProxyContext, inlet: Inlet, port: number): Promise<void> {
  const { socket } = inlet;
  const local = plainAddress(socket.localAddress ?? '');
  const client = { address: plainAddress(socket.remoteAddress ?? ''), port };
  const family = isIPv6(local) ? 'udp6' : 'udp4';
  const relay = createSocket(family);
  let udp: TunnelUdp | undefined;
  try {
    await bind(relay, local);
    udp = await context.tunnel.udp({ signal: inlet.gone });
    relay.on('message', (bytes, from) => {
      if (plainAddress(from.address) !== client.address) return;
      if (client.port !== 0 && client.port !== from.port) return;
      const datagram = decodeDatagram(bytes);
      if (!datagram) return;
      client.port = from.port;
      udp?.send(datagram);
    });
    socket.write(reply(REPLY.succeeded, local, relay.address().port));
    // Whichever ends first ends the others; the TCP connection carries no bytes of its own.
    const replies = sendReplies(relay, udp, client);
    await Promise.race([untilEnd(inlet), replies, udp.closed.catch(ignore)]);
    farewell(inlet, '', context.options.handshakeMs);
  } catch (error) {
    farewell(inlet, reply(replyFor(asTunnelError(error).code)), context.options.handshakeMs);
  } finally {
    udp?.close();
    relay.close();
  }
}

async function sendReplies(relay: UdpSocket, udp: TunnelUdp, client: { address: string; port: number }): Promise<void> {
  const reader = udp.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (relay.getSendQueueSize() > PROXY_LIMITS.maxReplyQueueBytes) continue;
      relay.send(encodeDatagram(value), client.port, client.address, ignore);
    }
  } catch {
    // The association failed: `closed` says why, and the caller ends it.
  }
}

async function untilEnd(inlet: Inlet): Promise<void> {
  try {
    while (await inlet.read());
  } catch {
    // Gone without an end: just as well.
  }
}

async function bind(relay: UdpSocket, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    relay.on('error', reject);
    relay.bind({ address, port: 0, exclusive: true }, () => resolve());
  });
  try {
    relay.setRecvBufferSize(PROXY_LIMITS.udpReceiveBytes);
  } catch {
    // A system that refuses as much still works, with its usual room.
  }
}

/** A dual-stack listener writes IPv4 addresses as IPv6 ones (`::ffff:127.0.0.1`). */
function plainAddress(address: string): string {
  const mapped = address.replace(/^::ffff:/i, '');
  return isIPv4(mapped) ? mapped : address;
}

function ignore(): void {}
