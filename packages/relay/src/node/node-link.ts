import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ReadMemory } from '@millrace/protocol';
import { buildConnector, Pool } from 'undici';
import type { NodeReply, NodeRequest } from '../core/types.js';
import { AnswerPieces } from './answer-pieces.js';
import { freeWritten } from './free-written.js';
import { MAX_SPARE_BYTES, NODE_CONNECT_TIMEOUT_MS, READ_AHEAD_BYTES, WHOLE_BYTES } from './limits.js';

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

  send(request: NodeRequest): Promise<NodeReply> {
    const { contentType, contentLength, body, signal } = request;
    return new Promise((resolve, reject) => {
      let abort: (() => void) | undefined;
      let reply: Omit<NodeReply, 'body'> | undefined;
      let pieces: AnswerPieces | undefined;
      const whole: Uint8Array[] = [];
      const onAbort = (): void => abort?.();
      signal.addEventListener('abort', onAbort);
      const over = (): void => signal.removeEventListener('abort', onAbort);
      this.#pool.dispatch(
        {
          path: this.#path,
          method: 'POST',
          headers: {
            'content-type': contentType,
            ...(contentLength === undefined ? {} : { 'content-length': String(contentLength) }),
            // Whatever stands before the node shall not recompress what is text of compressed bytes.
            'accept-encoding': 'identity',
          },
          // undici takes any async iterable, which its types do not say.
          body: body as unknown as Readable,
        },
        {
          onRequestStart: (controller) => {
            abort = () => controller.abort(NOT_WANTED);
            if (signal.aborted) return abort();
            request.onSending?.();
          },
          onResponseStart: (controller, status, headers) => {
            if (status < 200) return;
            reply = replyOf(status, headers);
            // What is short is waited for: it can go on together with its head.
            if (status === 200 && (reply.contentLength ?? Infinity) <= WHOLE_BYTES) return;
            pieces = new AnswerPieces(controller, READ_AHEAD_BYTES);
            resolve({ ...reply, body: pieces });
          },
          onResponseData: (_controller, chunk) => {
            if (pieces === undefined) whole.push(chunk);
            else pieces.push(chunk);
          },
          onResponseEnd: () => {
            over();
            if (pieces !== undefined) pieces.end({});
            else if (reply !== undefined) resolve({ ...reply, body: this.#joined(whole) });
          },
          onResponseError: (_controller, error) => {
            over();
            pieces?.end({ error });
            reject(error);
          },
        },
      );
    });
  }

  /** A chunk of an answer with a length has left: its memory is used again. */
  readonly used = (chunk: Uint8Array): void => this.#memory.give(chunk);

  #joined(chunks: Uint8Array[]): Uint8Array {
    if (chunks.length === 1) return chunks[0]!;
    const whole = Buffer.concat(chunks);
    for (const chunk of chunks) this.used(chunk);
    return whole;
  }

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
      freeWritten(socket);
    };
  }
}

const NOT_WANTED = new Error('the answer is not wanted any more');

function replyOf(status: number, headers: Record<string, string | string[] | undefined>): Omit<NodeReply, 'body'> {
  const length = single(headers['content-length']);
  return {
    status,
    contentType: single(headers['content-type']),
    ...(length === undefined ? {} : { contentLength: Number(length) }),
    framed: length !== undefined || headers['transfer-encoding'] !== undefined,
  };
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
