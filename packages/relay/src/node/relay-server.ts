import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatHostPort, type ErrorCode, type EventHub, type ExchangeEvent } from '@millrace/protocol';
import { busy } from '../core/answer.js';
import { forward, refuse } from '../core/forward.js';
import type { RelayAnswer, RelayRequest } from '../core/types.js';
import { RelayError } from '../errors.js';
import { readRequest, readWhole } from './client-request.js';
import { discard, writeAnswer } from './client-response.js';
import {
  CONNECTIONS_PER_EXCHANGE,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  MAX_DISCARDED_BYTES,
  MIN_CONNECTIONS,
  READ_AHEAD_BYTES,
  REQUEST_TIMEOUT_MS,
  WHOLE_BYTES,
} from './limits.js';
import { listenError } from './node-error.js';
import { NodeLink } from './node-link.js';

export interface RelayServerOptions {
  readonly token: string;
  readonly nodeUrl: string;
  readonly nodeTimeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxBodyBytes: number;
  readonly events: EventHub;
}

/** The HTTP server round the forwarder. Its only state is how many exchanges run. */
export class RelayServer {
  readonly #options: RelayServerOptions;
  readonly #server: Server;
  readonly #node: NodeLink;
  #url = '';
  #running = 0;

  constructor(options: RelayServerOptions) {
    this.#options = options;
    this.#node = new NodeLink(options.nodeUrl, options.nodeTimeoutMs, options.maxConcurrent);
    this.#server = createServer(
      {
        noDelay: true,
        highWaterMark: READ_AHEAD_BYTES,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      },
      (request, response) => void this.#handle(request, response),
    );
    this.#server.maxConnections = Math.max(MIN_CONNECTIONS, options.maxConcurrent * CONNECTIONS_PER_EXCHANGE);
  }

  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening').catch((error: NodeJS.ErrnoException) => {
      throw listenError(error, formatHostPort(host, port));
    });
    const address = this.#server.address() as AddressInfo;
    this.#url = `http://${formatHostPort(address.address, address.port)}`;
    return { host: address.address, port: address.port };
  }

  async close(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.all([closed, this.#node.close()]);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Without a listener an error of a connection that is already cut would end the process.
    response.on('error', () => {});
    const incoming = readRequest(request, response);
    const refusal = refuse(incoming, this.#options.token);
    if (refusal !== undefined) {
      await this.#refuse(request, response, refusal, 'RELAY_AUTH', MAX_DISCARDED_BYTES);
    } else if (this.#running >= this.#options.maxConcurrent) {
      await this.#refuse(request, response, busy(), 'RELAY_QUOTA_RATE', this.#options.maxBodyBytes);
    } else {
      this.#running += 1;
      await this.#exchange(request, response, incoming);
      this.#running -= 1;
    }
  }

  async #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    answer: RelayAnswer,
    code: ErrorCode,
    maxDiscardedBytes: number,
  ): Promise<void> {
    this.#options.events.emit({ event: 'refused', code });
    discard(request, maxDiscardedBytes);
    await writeAnswer(response, answer).catch(() => {});
  }

  /** Never rejects. */
  async #exchange(request: IncomingMessage, response: ServerResponse, incoming: RelayRequest): Promise<void> {
    const started = performance.now();
    let bytesOut = 0;
    let bytesIn = 0;
    let code: string | undefined;
    try {
      const { contentLength = Infinity } = incoming;
      const body =
        contentLength > 0 && contentLength <= WHOLE_BYTES ? await readWhole(request, contentLength) : incoming.body;
      const counted = { ...incoming, body, onSent: (bytes: number) => void (bytesOut += bytes) };
      const answer = await forward(counted, (toNode) => this.#node.send(toNode), this.#options);
      code = answer.failure?.code;
      discard(request, this.#options.maxBodyBytes);
      await writeAnswer(response, answer, {
        onBytes: (bytes) => void (bytesIn += bytes),
        used: this.#node.used,
      });
    } catch (error) {
      code = error instanceof RelayError ? error.code : 'ABORTED';
      // Reset, not closed: whatever the client has of the answer must not look whole.
      response.socket?.resetAndDestroy();
    }
    const ms = performance.now() - started;
    const event: ExchangeEvent = { event: 'exchange', relay: this.#url, ops: 0, bytesOut, bytesIn, ms };
    this.#options.events.emit(code === undefined ? event : { ...event, code });
  }
}
