import type { IncomingMessage } from 'node:http';
import { TunnelError } from '../../errors.js';
import type { TunnelStream } from '../../tunnel/types.js';
import type { ProxyContext } from '../context.js';
import { farewell } from '../farewell.js';
import type { Inlet } from '../inlet.js';
import { asTunnelError } from '../open-reply.js';
import { pump, pumpAnswer } from '../pump.js';
import { endToEnd } from './headers.js';
import { badRequestPage, failurePage, serialise } from './pages.js';
import type { RequestTarget } from './target.js';
import { bodyLength, closingHead, readResponseHead } from './response-head.js';

/**
 * Carries a plain request that wants to change its protocol (WebSocket). Once the target agrees (101) the connection
 * is bytes both ways. When it answers otherwise, that answer is handed on and the connection ends with it, also where the
 * target keeps its own: a further request on it could be for another target.
 *
 * @returns when all is over; never rejects.
 */
export async function forwardUpgrade(
  context: ProxyContext,
  inlet: Inlet,
  request: IncomingMessage,
  target: RequestTarget,
): Promise<void> {
  const { handshakeMs } = context.options;
  if (hasBody(request)) {
    const why = 'A request that changes the protocol cannot carry a body through this proxy.';
    farewell(inlet, serialise(badRequestPage(why, 501)), handshakeMs);
    return;
  }
  let stream: TunnelStream | undefined;
  try {
    stream = await context.tunnel.connect({
      host: target.host,
      port: target.port,
      firstBytes: requestHead(request, target),
      signal: inlet.gone,
    });
    await passAnswer(context, inlet, stream);
  } catch (error) {
    stream?.reset('ABORTED');
    farewell(inlet, serialise(failurePage(asTunnelError(error))), handshakeMs);
  }
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function requestHead(request: IncomingMessage, target: RequestTarget): Buffer {
  const headers = ['Host', target.authority, ...endToEnd(request.rawHeaders, ['host'])];
  const { upgrade = '' } = request.headers;
  // HTTP/2 by upgrade is obsolete (RFC 9113, section 3.1), and its settings belong to this connection.
  if (/^h2c$/i.test(upgrade)) headers.push('Connection', 'close');
  else headers.push('Connection', 'Upgrade', 'Upgrade', upgrade);
  const lines = [`${request.method} ${target.path} HTTP/1.1`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

async function passAnswer(context: ProxyContext, inlet: Inlet, stream: TunnelStream): Promise<void> {
  const { socket } = inlet;
  const reader = stream.readable.getReader();
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const answer = readResponseHead(bytes);
    if (!answer) {
      const { done, value } = await reader.read();
      if (done) throw new TunnelError('TARGET_NOT_HTTP', 'the target closed the connection before it answered');
      bytes = Buffer.concat([bytes, value]);
    } else if (answer.status >= 100 && answer.status < 200 && answer.status !== 101) {
      socket.write(answer.head);
      bytes = answer.rest;
    } else {
      reader.releaseLock();
      const upgraded = answer.status === 101;
      socket.write(upgraded ? answer.head : closingHead(answer.head));
      socket.write(answer.rest);
      const close = (): void => stream.reset('ABORTED');
      context.closers.add(close);
      await (upgraded
        ? pump(inlet, stream, context.options.halfClosedIdleMs)
        : pumpAnswer(inlet, stream, bodyLength(answer) - answer.rest.length));
      context.closers.delete(close);
      return;
    }
  }
}
