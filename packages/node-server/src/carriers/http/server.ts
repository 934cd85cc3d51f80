import { createServer as createHttp } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { formatHostPort } from '@millrace/protocol';
import { NodeError } from '../../errors.js';
import type { NodeLimits } from '../../limits.js';
import { listenOn } from '../../listener.js';
import type { RequestHandler } from './handler.js';
import { refuse, refuseRaw } from './refusal.js';

/** What {@link startHttpCarrier} needs. */
export interface HttpCarrierOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  listen: string;
  tls: { cert: string | Buffer; key: string | Buffer } | undefined;
  handler: RequestHandler;
  limits: NodeLimits;
}

/** A listener that is up. */
export interface HttpCarrier {
  /** With the real port, and loopback instead of "all addresses". */
  readonly url: string;
  readonly port: number;
  /** Ends every connection at once and resolves when all of them, and the listener, are gone. */
  close(): Promise<void>;
}

/**
 * Starts the tunnel listener.
 * @throws NodeError `ADDRESS_IN_USE`, `ADDRESS_UNAVAILABLE`, `CONFIG_INVALID` for a certificate that is none.
 */
export async function startHttpCarrier({ listen, tls, handler, limits }: HttpCarrierOptions): Promise<HttpCarrier> {
  const settings = {
    noDelay: true,
    keepAlive: true,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.connectionsCheckMs,
    keepAliveTimeout: limits.keepAliveMs,
    handshakeTimeout: limits.headersTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
  };
  const server = tls === undefined ? createHttp(settings) : createTls({ ...settings, ...tls });
  server.maxConnections = limits.maxConnections;
  // How long an answer takes is the batch's business.
  server.timeout = 0;
  server.on('request', (request, response) => void handler.handle(request, response));
  server.on('checkExpectation', (_request, response) => refuse(response));
  server.on('connect', (_request, socket) => refuseRaw(socket));
  server.on('clientError', (_error, socket) => refuseRaw(socket));
  const { port, address, close } = await listenOn(server, listen);
  return { url: `${tls === undefined ? 'http' : 'https'}://${formatHostPort(address, port)}`, port, close };
}

function createTls(settings: ServerOptions): ReturnType<typeof createHttps> {
  try {
    return createHttps(settings);
  } catch (error) {
    throw new NodeError('CONFIG_INVALID', `tls: ${(error as Error).message}`, { cause: error });
  }
}
