import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES, request as startRequest } from 'node:http';
import { TunnelError } from '../../errors.js';
import type { ProxyContext } from '../context.js';
import { PROXY_LIMITS } from '../limits.js';
import { asTunnelError } from '../open-reply.js';
import { endToEnd, hasHeader } from './headers.js';
import { OpeningDuplex } from './opening-duplex.js';
import { failurePage } from './pages.js';
import { connectionFields, dropRest, respond } from './respond.js';
import type { RequestTarget } from './target.js';

/**
 * Carries one plain request to its target and the answer back, both streamed.
 *
 * Each request has a stream of its own, since connect and request travel together: a kept connection would save the
 * target's round trip only, and bring the races of reuse (a target that closes as the request arrives) and polls for
 * connections that nobody uses. The application's connection is kept.
 *
 * @returns when the answer is over; never rejects.
 */
export async function forwardPlainRequest(
  context: ProxyContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
): Promise<void> {
  const duplex = new OpeningDuplex(context.tunnel, target);
  const upstream = startRequest({
    method: request.method,
    path: target.path,
    headers: requestHeaders(request, target),
    createConnection: () => duplex,
    maxHeaderSize: PROXY_LIMITS.maxHeaderBytes,
  });
  sendBody(request, upstream);
  await new Promise<void>((resolve) => {
    upstream.on('information', (info) => passInformation(response, info));
    upstream.on('response', (answer) => passAnswer(answer, response));
    upstream.on('error', (error) => fail(response, error));
    const over = () => {
      request.socket.off('close', over);
      // After a whole answer Node lets go of the stream itself, once what is left of the request is sent.
      if (!response.writableFinished) upstream.destroy();
      resolve();
    };
    response.once('close', over);
    // An answer that waits behind another one does not hear of the end of its connection.
    request.socket.once('close', over);
  });
}

function requestHeaders(request: IncomingMessage, target: RequestTarget): string[] {
  const { rawHeaders } = request;
  // RFC 9112, section 3.2.2: the request target counts, whatever the Host field says.
  const headers = ['Host', target.authority, ...endToEnd(rawHeaders, ['host'])];
  const bodyless = !hasHeader(rawHeaders, 'content-length') && !hasHeader(rawHeaders, 'transfer-encoding');
  if (bodyless && /^(?:POST|PUT|PATCH)$/.test(request.method ?? '')) headers.push('Content-Length', '0');
  headers.push('Connection', 'close');
  return headers;
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  request.pipe(upstream, { end: false });
  request.on('end', () => {
    if (Object.keys(request.trailers).length > 0) upstream.addTrailers(request.trailers);
    upstream.end();
  });
  request.on('error', () => upstream.destroy());
  // The head goes with the first of the body, but does not wait for a body that takes its time.
  setImmediate(() => {
    if (!upstream.writableEnded && !upstream.destroyed) upstream.flushHeaders();
  });
}

/** An interim answer (1xx), which the response class of Node cannot send in general. */
function passInformation(
  response: ServerResponse,
  info: { statusCode: number; statusMessage: string; rawHeaders: string[] },
): void {
  const { socket } = response;
  // A pipelined request before this one may still be answering; HTTP/1.0 has no interim answers.
  if (!socket || response.headersSent || response.req.httpVersion !== '1.1') return;
  const lines = [`HTTP/1.1 ${info.statusCode} ${info.statusMessage || (STATUS_CODES[info.statusCode] ?? '')}`];
  const headers = endToEnd(info.rawHeaders);
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function passAnswer(answer: IncomingMessage, response: ServerResponse): void {
  const headers = endToEnd(answer.rawHeaders, ['transfer-encoding']);
  headers.push(...connectionFields(response.req).flat());
  response.sendDate = false;
  try {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
  } catch (error) {
    answer.destroy();
    fail(response, error as Error);
    return;
  }
  answer.pipe(response, { end: false });
  answer.on('end', () => {
    // A failure ends the parser too, as if the answer were whole; then the socket is gone already.
    if (!answer.complete || response.destroyed) return;
    if (Object.keys(answer.trailers).length > 0) response.addTrailers(answer.trailers);
    response.end();
    dropRest(response.req);
  });
  answer.on('error', () => cut(response));
  answer.on('aborted', () => cut(response));
  // A head whose body takes its time (events, long polls) must not wait for it.
  setImmediate(() => {
    if (!response.writableEnded && !response.destroyed) response.flushHeaders();
  });
}

function fail(response: ServerResponse, error: Error): void {
  if (response.headersSent) cut(response);
  else if (!response.destroyed) respond(response, failurePage(describe(error)));
}

/** The answer was cut: so is the application's connection, or the rest would be taken for complete. */
function cut(response: ServerResponse): void {
  if (!response.writableEnded) response.req.socket.resetAndDestroy();
}

function describe(error: Error & { code?: string }): TunnelError {
  if (error instanceof TunnelError) return error;
  if (error.code?.startsWith('HPE_')) {
    return new TunnelError('TARGET_NOT_HTTP', `what the target answered is not HTTP (${error.message})`, {
      cause: error,
    });
  }
  if (error.code === 'ECONNRESET') {
    return new TunnelError('TARGET_NOT_HTTP', 'the target closed the connection before it answered', { cause: error });
  }
  return asTunnelError(error);
}
