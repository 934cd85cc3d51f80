import { LIMITS } from '@millrace/protocol';
import { resolveRelay } from '@millrace/protocol/config';
import { forward, refuse } from '../core/forward.js';
import type { RelayAnswer, RelayRequest } from '../core/types.js';
import { asRelayError, checkToken, nodeBatchUrl, refuseUnknown } from '../options.js';
import { FetchLink, type Fetch } from './fetch-link.js';
import { bodyOf, iterate } from './streams.js';

/** Options of the fetch handler. */
export interface FetchHandlerOptions {
  /** `http:` or `https:` address of the one node. */
  node: string;
  /** What clients must show, as the query parameter `token`; at least 22 random characters. `millrace keygen` makes one. */
  token: string;
  /** How long the node may be silent, 1000 to 600000; 120000 by default. Many platforms allow less. */
  nodeTimeoutMs?: number;
  /** The platform's `fetch` by default. */
  fetch?: Fetch;
}

/**
 * A relay as a function from Request to Response, for edge runtimes: the same forwarder as the Node server, without
 * Node. Streams bodies both ways. Throws RelayError (CONFIG_*, KEY_*) for wrong options; the handler itself rejects only
 * where the client is gone.
 */
export function createFetchHandler(options: FetchHandlerOptions): (request: Request) => Promise<Response> {
  refuseUnknown(options, ['node', 'token', 'nodeTimeoutMs', 'fetch']);
  const { node, nodeTimeoutMs } = options;
  const resolved = asRelayError(() => resolveRelay(nodeTimeoutMs === undefined ? { node } : { node, nodeTimeoutMs }));
  return fetchHandler({
    token: checkToken(options.token),
    nodeUrl: nodeBatchUrl(node),
    nodeTimeoutMs: resolved.nodeTimeoutMs,
    maxBodyBytes: LIMITS.maxBodyBytes,
    // Called as a function of nothing, which some runtimes insist on.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
  });
}

export interface ResolvedFetchOptions {
  readonly token: string;
  readonly nodeUrl: string;
  readonly nodeTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly fetch: Fetch;
}

/** The handler for options that were checked. */
export function fetchHandler(options: ResolvedFetchOptions): (request: Request) => Promise<Response> {
  const node = new FetchLink(options.nodeUrl, options.fetch);
  return async (request) => {
    const incoming = readRequest(request);
    const refusal = refuse(incoming, options.token);
    if (refusal !== undefined) return toResponse(request.method === 'HEAD' ? { ...refusal, body: '' } : refusal);
    return toResponse(await forward(incoming, (toNode) => node.send(toNode), options));
  };
}

function readRequest(request: Request): RelayRequest {
  const contentLength = request.body === null ? '0' : request.headers.get('content-length');
  return {
    method: request.method,
    token: new URL(request.url).searchParams.get('token'),
    contentType: request.headers.get('content-type'),
    ...(contentLength === null ? {} : { contentLength: Number(contentLength) }),
    body: iterate(request.body),
    signal: request.signal,
  };
}

function toResponse({ status, contentType, contentLength, body, cancel }: RelayAnswer): Response {
  const headers = new Headers({ 'content-type': contentType, 'cache-control': 'no-store' });
  if (contentLength !== undefined) headers.set('content-length', String(contentLength));
  return new Response(typeof body === 'string' ? body : bodyOf(body, cancel), { status, headers });
}
