import { AbortFlag } from '@millrace/protocol';
import { failed, notFound, ownError } from './answer.js';
import { failureOfStart, failureOfStatus, formOf, isErrorBody } from './classify.js';
import { contentTypeOf, isTunnelType } from './content-type.js';
import type { Failure } from './failure.js';
import { PassOn } from './pass-on.js';
import { sameToken } from './token.js';
import type { Body, ForwardOptions, NodeReply, RelayAnswer, RelayRequest, SendToNode } from './types.js';
import { Upload } from './upload.js';
import { Watchdog } from './watchdog.js';

/** How much of a page is read to find an error of the node in it. */
const MAX_ERROR_BODY_BYTES = 65_536;

const EMPTY: Failure = { code: 'RELAY_EMPTY', message: "the node's address answered an empty body" };
const TOO_LARGE: Failure = { code: 'BODY_TOO_LARGE', message: 'the request is larger than the relay carries' };

/**
 * The 404 page for whatever is not a POST with the token, else undefined. To be asked first: nothing of the request was
 * read then and nothing is spent.
 */
export function refuse(request: Pick<RelayRequest, 'method' | 'token'>, token: string): RelayAnswer | undefined {
  const known = sameToken(request.token, token);
  return known && request.method === 'POST' ? undefined : notFound();
}

/**
 * Passes one request on to the node and its answer back, body bytes as they come, at the pace of whoever takes them.
 * Whatever goes wrong before the first byte of the node's answer becomes a {@link Failure} in the body. Rejects only
 * where the client is gone.
 */
export async function forward(request: RelayRequest, send: SendToNode, options: ForwardOptions): Promise<RelayAnswer> {
  const impossible = failureOfLength(request.contentLength, options.maxBodyBytes);
  if (impossible !== undefined) return failed(impossible);
  return new Exchange(request, options).run(send);
}

class Exchange {
  readonly #request: RelayRequest;
  readonly #options: ForwardOptions;
  readonly #abort = new AbortFlag();
  readonly #watchdog: Watchdog;
  /** Undefined where all of the body is at hand. */
  readonly #upload: Upload | undefined;
  #sending = false;
  readonly #onGone = (): void => this.#end();
  #timedOut = false;

  constructor(request: RelayRequest, options: ForwardOptions) {
    this.#request = request;
    this.#options = options;
    this.#watchdog = new Watchdog(options.nodeTimeoutMs, () => {
      this.#timedOut = true;
      this.#end();
    });
    const { body, contentLength } = request;
    if (body instanceof Uint8Array) return;
    this.#upload = new Upload(body, contentLength, options.maxBodyBytes, (bytes) => {
      this.#watchdog.touch();
      request.onSent?.(bytes);
    });
  }

  async run(send: SendToNode): Promise<RelayAnswer> {
    const { signal, contentType, contentLength, body } = this.#request;
    if (signal.aborted) throw signal.reason;
    signal.addEventListener('abort', this.#onGone);
    try {
      this.#watchdog.touch();
      const reply = await send({
        contentType: isTunnelType(contentType) ? contentType : contentTypeOf('bytes'),
        ...(contentLength === undefined ? {} : { contentLength }),
        body: this.#upload ?? body,
        onSending: () => {
          this.#sending = true;
          if (body instanceof Uint8Array) this.#request.onSent?.(body.length);
        },
        signal: this.#abort,
      });
      return await this.#answer(reply);
    } catch (error) {
      this.#end();
      if (signal.aborted || this.#upload?.fault === 'cut') throw error;
      return failed(this.#failure());
    }
  }

  /** Ends whatever still runs. Harmless afterwards. */
  #end(): void {
    this.#release();
    this.#abort.abort();
  }

  #release(): void {
    this.#watchdog.stop();
    this.#request.signal.removeEventListener('abort', this.#onGone);
  }

  async #answer(reply: NodeReply): Promise<RelayAnswer> {
    if (reply.status !== 200) return this.#otherStatus(reply);
    const impossible = failureOfReply(reply, this.#options.maxBodyBytes);
    if (impossible !== undefined) return this.#fail(impossible);
    if (reply.body instanceof Uint8Array) return this.#whole(reply, reply.body);
    const body = new PassOn(
      { ...reply, body: reply.body },
      {
        maxBytes: this.#options.maxBodyBytes,
        watchdog: this.#watchdog,
        onEnd: (whole) => (whole ? this.#release() : this.#end()),
        timedOut: () => this.#timedOut,
      },
    );
    const firstByte = await body.peek();
    if (firstByte === undefined) {
      return this.#fail(EMPTY);
    }
    const form = formOf(firstByte);
    if (form === undefined) return this.#fail(failureOfStart(firstByte));
    return {
      status: 200,
      contentType: isTunnelType(reply.contentType) ? reply.contentType : contentTypeOf(form),
      ...(reply.contentLength === undefined ? {} : { contentLength: reply.contentLength }),
      body,
      cancel: () => this.#end(),
    };
  }

  #whole({ contentType }: NodeReply, body: Uint8Array): RelayAnswer {
    const [firstByte] = body;
    if (firstByte === undefined) return this.#fail(EMPTY);
    const form = formOf(firstByte);
    if (form === undefined) return this.#fail(failureOfStart(firstByte));
    this.#release();
    return {
      status: 200,
      contentType: isTunnelType(contentType) ? contentType : contentTypeOf(form),
      contentLength: body.length,
      body,
      cancel: () => {},
    };
  }

  async #otherStatus(reply: NodeReply): Promise<RelayAnswer> {
    const text = await readStart(reply.body).catch(() => '');
    this.#end();
    return isErrorBody(text) ? ownError(text) : failed(failureOfStatus(reply.status));
  }

  #fail(failure: Failure): RelayAnswer {
    this.#end();
    return failed(failure);
  }

  /** Why there is no answer. RELAY_NODE_DOWN only where the node cannot have had the whole request. */
  #failure(): Failure {
    if (this.#upload?.fault === 'too-large') return TOO_LARGE;
    if (this.#timedOut) return { code: 'RELAY_TIMEOUT', message: 'the node did not answer the relay in time' };
    if (!(this.#upload?.whole ?? this.#sending))
      return { code: 'RELAY_NODE_DOWN', message: 'the relay could not reach its node' };
    return { code: 'RELAY_TRUNCATED', message: 'the node got the request, and the connection ended before its answer' };
  }
}

function failureOfLength(contentLength: number | undefined, maxBodyBytes: number): Failure | undefined {
  if (contentLength === 0) return { code: 'BODY_EMPTY', message: 'the request reached the relay without a body' };
  return contentLength !== undefined && contentLength > maxBodyBytes ? TOO_LARGE : undefined;
}

function failureOfReply(reply: NodeReply, maxBodyBytes: number): Failure | undefined {
  if (reply.contentLength !== undefined && reply.contentLength > maxBodyBytes) {
    return { code: 'RELAY_BODY', message: 'the answer of the node is larger than the relay carries' };
  }
  // It would turn a node that dies in the middle into a shorter answer that looks whole.
  if (!reply.framed) return { code: 'RELAY_BODY', message: 'the answer of the node has neither a length nor chunks' };
  return undefined;
}

/** The start of a body as text: all of it where it is small, enough to classify it where it is not. */
async function readStart(body: Body): Promise<string> {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    text += decoder.decode(chunk, { stream: true });
    if (bytes > MAX_ERROR_BODY_BYTES) break;
  }
  return text;
}
