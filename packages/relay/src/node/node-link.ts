import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ReadMemory } from '@millrace/protocol';
import { buildConnector, Pool } from 'undici';
import type { NodeReply, NodeRequest } from '../core/types.js';
import { MAX_SPARE_BYTES, NODE_CONNECT_TIMEOUT_MS, READ_AHEAD_BYTES } from './limits.js';

/** Kept connections to the one node. */
export class NodeLink {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #memory = new ReadMemory({
    allocate: (bytes) => Buffer.allocUnsafeSlow(bytes),
    maxSpareBytes: MAX_SPARE_BYTES,
  });

  /** @param maxConcurrent Connections at most; each carries one exchange at a time. */
  constructor(nodeUrl: string, nodeTimeoutMs: number, maxConcurrent: number) {
    const { origin, pathname } = new URL(nodeUrl);
    this.#path = pathname;
    this.#pool = new Pool(origin, {
      connections: maxConcurrent,
      pipelining: 1,
      connect: this.#connector(origin, Math.min(NODE_CONNECT_TIMEOUT_MS, nodeTimeoutMs)),
      // The forwarder has its own watchdog, which knows whether the node or the client is waited for.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async send(request: NodeRequest): Promise<NodeReply> {
    const { contentLength } = request;
    const { statusCode, headers, body } = await this.#pool.request({
      path: this.#path,
      method: 'POST',
      headers: {
        'content-type': request.contentType,
        ...(contentLength === undefined ? {} : { 'content-length': String(contentLength) }),
        // Whatever stands before the node shall not recompress what is text of compressed bytes.
        'accept-encoding': 'identity',
      },
      // undici takes any async iterable, which its types do not say.
      body: request.body as unknown as Readable,
      signal: request.signal,
      highWaterMark: READ_AHEAD_BYTES,
    });
    // Errors reach whoever iterates; one that comes when nobody does must not end the process.
    body.on('error', () => {});
    const length = single(headers['content-length']);
    return {
      status: statusCode,
      contentType: single(headers['content-type']),
      ...(length === undefined ? {} : { contentLength: Number(length) }),
      framed: length !== undefined || headers['transfer-encoding'] !== undefined,
      body,
    };
  }

  /** A chunk of an answer with a length has left: its memory is used again. */
  readonly used = (chunk: Uint8Array): void => this.#memory.give(chunk);

  /** Cuts every connection. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #connector(origin: string, timeout: number): buildConnector.connector {
    // TLS reads into memory of its own.
    if (origin.startsWith('https:')) return buildConnector({ timeout });
    return (options, callback) => {
      const onread = this.#memory.onread(() => socket);
      const connect = buildConnector({ timeout, onread });
      // undici returns the socket, which its types do not say.
      const socket = connect(options, callback) as unknown as Socket;
    };
  }
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
