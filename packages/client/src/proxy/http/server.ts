import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Tunnel } from '../../tunnel/types.js';
import type { ProxyContext } from '../context.js';
import { createContext } from '../context.js';
import { farewell } from '../farewell.js';
import { Inlet } from '../inlet.js';
import { PROXY_LIMITS } from '../limits.js';
import type { ProxyListener } from '../listener.js';
import { openListener } from '../listener.js';
import { openAndPump } from '../open-reply.js';
import type { ProxyOptions } from '../options.js';
import { resolveProxyOptions } from '../options.js';
import { authorized } from './authorization.js';
import { badHeader } from './bad-header.js';
import type { Page } from './pages.js';
import { AUTH_PAGE, OWN_PAGE, badRequestPage, failurePage, serialise } from './pages.js';
import { forwardPlainRequest } from './plain-request.js';
import { respond } from './respond.js';
import type { RequestTarget } from './target.js';
import { parseAbsoluteForm, parseAuthorityForm } from './target.js';
import { forwardUpgrade } from './upgrade.js';

/**
 * An HTTP proxy: CONNECT, plain requests in absolute-form, and protocol upgrades of those (WebSocket). Names are resolved at
 * the node.
 *
 * @throws TunnelError CONFIG_INVALID, CONFIG_UNKNOWN_KEY, PROXY_OPEN, ADDRESS_IN_USE, ADDRESS_UNAVAILABLE
 */
export async function startHttpProxy(tunnel: Tunnel, options: ProxyOptions): Promise<ProxyListener> {
  const context = createContext('http', tunnel, resolveProxyOptions(options));
  const { handshakeMs } = context.options;
  const running = new Set<Promise<void>>();
  const track = (socket: Socket, work: Promise<void>) => {
    // None of them rejects; a bug in one must not end the process.
    const done = work.catch(() => socket.resetAndDestroy()).then(() => void running.delete(done));
    running.add(done);
  };
  const server = createServer({
    noDelay: true,
    maxHeaderSize: PROXY_LIMITS.maxHeaderBytes,
    requireHostHeader: false,
    headersTimeout: handshakeMs,
    connectionsCheckingInterval: Math.min(handshakeMs, 10_000),
    // An upload takes as long as it takes.
    requestTimeout: 0,
  });
  // The default of Node 20 drops all fields after 2,000, in silence; the size bounds them as it is.
  server.maxHeadersCount = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    track(request.socket, serve(context, request, response));
  };
  server.on('request', onRequest);
  // `Expect` is between application and target.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    track(socket, serveConnect(context, request, takeOver(socket, head)));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    track(socket, serveUpgrade(context, request, takeOver(socket, head)));
  });
  server.on('clientError', (error: Error, socket: Socket) => badHeader(context, error, socket));
  const listener = await openListener(server, context, (socket) => {
    // Each waiting request listens for the end of its connection, besides those who always do.
    socket.setMaxListeners(PROXY_LIMITS.maxPipelinedRequests + 10);
  });
  return {
    address: listener.address,
    async close() {
      await listener.close();
      await Promise.all(running);
    },
  };
}

async function serve(context: ProxyContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', ignore);
  const target = check(context, request);
  if ('status' in target) respond(response, target);
  else if (waitingRequests(request.socket, response) > PROXY_LIMITS.maxPipelinedRequests) {
    respond(response, badRequestPage('Too many requests wait on this connection.', 503));
  } else await forwardPlainRequest(context, request, response, target);
}

async function serveUpgrade(context: ProxyContext, request: IncomingMessage, inlet: Inlet): Promise<void> {
  const target = check(context, request);
  if ('status' in target) farewell(inlet, serialise(target), context.options.handshakeMs);
  else await forwardUpgrade(context, inlet, request, target);
}

async function serveConnect(context: ProxyContext, request: IncomingMessage, inlet: Inlet): Promise<void> {
  const refuse = (page: Page) => farewell(inlet, serialise(page), context.options.handshakeMs);
  const page = checkCredentials(context, request);
  if (page) return refuse(page);
  const target = parseAuthorityForm(request.url ?? '');
  if (!target) return refuse(badRequestPage('CONNECT needs HOST:PORT.'));
  await openAndPump(context, inlet, target, {
    opened: () => inlet.socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'),
    failed: (error) => refuse(failurePage(error)),
  });
}

/** The target of a plain request, or the page that it is answered with. */
function check(context: ProxyContext, request: IncomingMessage): RequestTarget | Page {
  const { url = '' } = request;
  // Before the credentials: whoever opens the proxy's own address is to be told what it is.
  if (url.startsWith('/') || url === '*') return OWN_PAGE;
  const page = checkCredentials(context, request);
  if (page) return page;
  const target = parseAbsoluteForm(url, request.method);
  if (target) return target;
  return badRequestPage('A plain request needs an address that begins with http:// ; for https:// use CONNECT.');
}

function checkCredentials(context: ProxyContext, request: IncomingMessage): Page | undefined {
  const given = request.headers['proxy-authorization'];
  if (authorized(context.options.auth, given)) return undefined;
  // Programs ask without credentials first; only wrong ones are news.
  if (given !== undefined) context.refuse('PROXY_AUTH', 'a program gave a wrong user or password');
  return AUTH_PAGE;
}

/** Makes an application's socket ours, once Node's HTTP server has let go of it. */
function takeOver(socket: Socket, head: Buffer): Inlet {
  socket.setTimeout(0);
  const inlet = new Inlet(socket);
  inlet.unread(head);
  return inlet;
}

const waiting = new WeakMap<Socket, number>();

/** Counts the requests of a connection that are not answered yet. */
function waitingRequests(socket: Socket, response: ServerResponse): number {
  const count = (waiting.get(socket) ?? 0) + 1;
  waiting.set(socket, count);
  response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
  return count;
}

function ignore(): void {}
