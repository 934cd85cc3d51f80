import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { formatHostPort } from '@millrace/protocol';
import type { NodeLimits } from '../limits.js';
import { listenOn } from '../listener.js';
import type { Metrics } from './metrics.js';

/** What {@link startAdmin} needs. */
export interface AdminOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  listen: string;
  metrics: Metrics;
  /** False while the node drains: load balancers look elsewhere then. */
  isReady: () => boolean;
  limits: NodeLimits;
}

/** The admin listener. */
export interface AdminServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts the admin listener: `/healthz` (the process answers), `/readyz` (200, or 503 while it drains) and `/metrics`. It has
 * no key: bind it where only operators are.
 * @throws NodeError `ADDRESS_IN_USE`, `ADDRESS_UNAVAILABLE`.
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { limits } = options;
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
    },
    (request, response) => void respond(options, request, response),
  );
  server.maxConnections = limits.maxAdminConnections;
  const { address, port, close } = await listenOn(server, options.listen);
  return { url: `http://${formatHostPort(address, port)}`, port, close };
}

async function respond(
  { metrics, isReady }: AdminOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url } = request;
  if (method !== 'GET' && method !== 'HEAD') return text(response, 405, 'only GET');
  switch (url?.split('?', 1)[0]) {
    case '/healthz':
      return text(response, 200, 'ok');
    case '/readyz':
      return isReady() ? text(response, 200, 'ready') : text(response, 503, 'draining');
    case '/metrics':
      return text(response, 200, await metrics.text(), metrics.contentType);
    default:
      return text(response, 404, 'not found');
  }
}

function text(response: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
