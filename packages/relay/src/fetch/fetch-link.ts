import type { NodeReply, NodeRequest } from '../core/types.js';
import { bodyOf, iterate } from './streams.js';

/** What is used of the platform's `fetch`. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** Sends requests to the one node by `fetch`. */
export class FetchLink {
  readonly #url: string;
  readonly #fetch: Fetch;

  constructor(url: string, fetch: Fetch) {
    this.#url = url;
    this.#fetch = fetch;
  }

  async send(request: NodeRequest): Promise<NodeReply> {
    const abort = new AbortController();
    request.signal.addEventListener('abort', () => abort.abort());
    if (request.signal.aborted) abort.abort();
    request.onSending?.();
    // Needed for a body that is a stream; not every library of types knows it yet.
    const streaming: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      headers: { 'content-type': request.contentType, 'accept-encoding': 'identity' },
      body: bodyOf(request.body),
      duplex: 'half',
      redirect: 'manual',
      signal: abort.signal,
    };
    const response = await this.#fetch(this.#url, streaming);
    const { headers } = response;
    // Where the platform has decoded the body, its length is no longer the one that was sent.
    const length = headers.has('content-encoding') ? null : headers.get('content-length');
    return {
      status: response.status,
      contentType: headers.get('content-type'),
      ...(length === null ? {} : { contentLength: Number(length) }),
      // `fetch` hides the framing; a node of this project always tells the length.
      framed: true,
      body: iterate(response.body),
    };
  }
}
