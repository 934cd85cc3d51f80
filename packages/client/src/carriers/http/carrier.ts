/** Carrier over HTTP/1.1: a body is posted, its answer comes back. Redirects are followed, as Apps Script needs. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { LIMITS } from '@millrace/protocol';
import { TunnelError } from '../../errors.js';
import { CLIENT_LIMITS } from '../../limits.js';
import type { ResolvedRelay } from '../../options.js';
import { failed, SILENT, type Carrier, type CarrierAnswer, type CarrierFailed, type SendOptions } from '../carrier.js';
import { SilenceTimer } from '../silence.js';
import { endpoint, requestUrl } from './address.js';
import {
  classifyAnswer,
  classifyBreak,
  classifyConnect,
  classifyRedirect,
  classifySilence,
  classifyTooLarge,
  type HttpAnswer,
} from './classify.js';
import { openSocket, SessionCache } from './connect.js';
import type { Connection } from './connection.js';
import { ConnectionPool } from './connection-pool.js';
import { startRequest, type HttpRequest } from './request.js';

/** Options of the HTTP carrier. */
export interface HttpCarrierOptions {
  readonly relay: ResolvedRelay;
  /** Connections to keep ready per host. */
  readonly connections: number;
  /** Most requests at once, and so connections per host. */
  readonly maxConcurrent: number;
  /** How long opening one connection may take, TLS included. */
  readonly connectTimeoutMs: number;
}

/** Makes the HTTP carrier of a relay. Throws `TunnelError`: FILE_UNREADABLE, CONFIG_INVALID for `caFile`. */
export function createHttpCarrier(options: HttpCarrierOptions): Carrier {
  return new HttpCarrier(options);
}

class HttpCarrier implements Carrier {
  readonly abilities = {
    paired: true,
    ordered: false,
    reliable: false,
    form: 'bytes',
    maxBodyBytes: LIMITS.maxBodyBytes,
  } as const;
  readonly #options: HttpCarrierOptions;
  readonly #relay: ResolvedRelay;
  readonly #url: URL;
  /** Path and query of it: a URL makes them anew each time. */
  readonly #path: string;
  /** The pool of its origin, once there is one. */
  #ownPool: ConnectionPool | undefined;
  readonly #secureContext: SecureContext | undefined;
  /** By origin, the one used last at the end. */
  readonly #pools = new Map<string, ConnectionPool>();
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: HttpCarrierOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.#url = requestUrl(options.relay);
    this.#path = `${this.#url.pathname}${this.#url.search}`;
    this.#secureContext = options.relay.caFile === undefined ? undefined : trusting(options.relay.caFile);
  }

  prepare(): void {
    if (this.#closed) return;
    this.#pool(this.#url).prepare();
  }

  async send(body: Uint8Array, options: SendOptions): Promise<CarrierAnswer> {
    let url = this.#url;
    let method: 'GET' | 'POST' = 'POST';
    // A body that was posted may have been executed, whatever becomes of the rest.
    let executed = false;
    for (let redirects = 0; ; redirects += 1) {
      const request: HttpRequest = {
        method,
        path: url === this.#url ? this.#path : `${url.pathname}${url.search}`,
        body: method === 'POST' ? body : undefined,
        contentType: options.contentType,
        maxBytes: options.maxAnswerBytes ?? LIMITS.maxBodyBytes,
        admits: options.admits,
        memory: options.memory,
      };
      const answer = await this.#request(url, request, options);
      if ('ok' in answer) return executed ? { ok: false, failure: { ...answer.failure, ambiguous: true } } : answer;
      if (!REDIRECTS.has(answer.status)) {
        const failure = classifyAnswer(this.#relay.name, answer);
        options.onStep?.('relay-answered', performance.now());
        if (failure === undefined) return { ok: true, body: answer.body };
        return executed ? { ok: false, failure: { ...failure.failure, ambiguous: true } } : failure;
      }
      // With 307 and 308 the body goes to the next address instead; with the others the answer waits there.
      if (answer.status !== 307 && answer.status !== 308) {
        method = 'GET';
        executed = true;
      }
      const next = redirectTarget(answer, url);
      if (typeof next === 'string') return classifyRedirect(this.#relay.name, next, executed);
      if (redirects === CLIENT_LIMITS.maxRedirects) {
        return classifyRedirect(this.#relay.name, `it redirects more than ${redirects} times`, executed);
      }
      url = next;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const pool of this.#pools.values()) this.#end(pool);
    this.#pools.clear();
    await Promise.all(this.#ending);
  }

  /** Sends one request, on another connection should the first turn out dead before anything was sent. */
  async #request(url: URL, request: HttpRequest, options: SendOptions): Promise<HttpAnswer | CarrierFailed> {
    if (this.#closed) return failed('ABORTED', `${this.#relay.name}: closed here`, false);
    const pool = this.#pool(url);
    const { ready } = pool.counts;
    for (let tries = 0; ; tries += 1) {
      let connection: Connection;
      try {
        connection = await pool.acquire(options.signal);
      } catch (error) {
        return this.#gaveUp(options) ?? classifyConnect(this.#relay.name, error);
      }
      const result = await this.#run(connection, request, options);
      pool.release(connection);
      // As many as stood ready may have died together, say when the network changed.
      if (result !== 'lost-before-use' || tries > ready) {
        return result === 'lost-before-use'
          ? classifyConnect(this.#relay.name, new Error('connections keep getting lost'))
          : result;
      }
    }
  }

  async #run(
    connection: Connection,
    request: HttpRequest,
    options: SendOptions,
  ): Promise<HttpAnswer | CarrierFailed | 'lost-before-use'> {
    const relay = this.#relay.name;
    let bytesIn = 0;
    let silence: CarrierFailed | undefined;
    const running = startRequest(connection, request, {
      onSent: () => {
        for (const [step, at] of connection.steps) options.onStep?.(step, at);
        options.onStep?.('sent', performance.now());
      },
      onBytes: () => {
        bytesIn += 1;
      },
    });
    const timer = new SilenceTimer(
      options.timeoutMs,
      () => bytesIn + connection.progress,
      (waitedMs) => {
        silence = classifySilence(relay, running.progress, waitedMs);
        running.abort(new Error('silence'));
      },
    );
    const onAbort = (): void => running.abort(new Error('given up'));
    options.signal?.addEventListener('abort', onAbort);
    if (options.signal?.aborted) onAbort();
    const end = await running.ended;
    timer.stop();
    options.signal?.removeEventListener('abort', onAbort);
    switch (end.end) {
      case 'answered':
        return end.answer;
      case 'too-large':
        return classifyTooLarge(relay, request.maxBytes);
      case 'broken': {
        const gaveUp = silence ?? this.#gaveUp(options, end.progress !== 'not-sent');
        if (gaveUp !== undefined) return gaveUp;
        return end.progress === 'not-sent' ? 'lost-before-use' : classifyBreak(relay, end.error, end.progress);
      }
    }
  }

  #gaveUp(options: SendOptions, ambiguous = false): CarrierFailed | undefined {
    if (options.signal?.aborted && options.signal.reason === SILENT) {
      return failed('RELAY_TIMEOUT', `${this.#relay.name} did not answer in its usual time`, ambiguous);
    }
    return options.signal?.aborted || this.#closed
      ? failed('ABORTED', `${this.#relay.name}: the exchange was given up here`, ambiguous)
      : undefined;
  }

  #pool(url: URL): ConnectionPool {
    if (url === this.#url && this.#ownPool !== undefined) return this.#ownPool;
    const { origin } = url;
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = this.#createPool(url);
      this.#forgetOldest();
    }
    this.#pools.delete(origin);
    this.#pools.set(origin, pool);
    if (url === this.#url) this.#ownPool = pool;
    return pool;
  }

  #createPool(url: URL): ConnectionPool {
    const sessions = new SessionCache();
    const target = {
      ...endpoint(url, this.#relay),
      secure: url.protocol === 'https:',
      secureContext: this.#secureContext,
      timeoutMs: this.#options.connectTimeoutMs,
    };
    return new ConnectionPool({
      origin: url.origin,
      ready: this.#options.connections,
      max: Math.max(this.#options.connections, this.#options.maxConcurrent),
      open: (signal) => openSocket(target, sessions, signal),
    });
  }

  /** Makes room for one more origin. The entry's own stays. */
  #forgetOldest(): void {
    if (this.#pools.size < CLIENT_LIMITS.maxOrigins) return;
    for (const [origin, pool] of this.#pools) {
      if (origin === this.#url.origin || pool.counts.busy > 0) continue;
      this.#pools.delete(origin);
      this.#end(pool);
      return;
    }
  }

  #end(pool: ConnectionPool): void {
    const ending = pool.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a redirect leads, or why it cannot be followed. */
function redirectTarget(answer: HttpAnswer, from: URL): URL | string {
  const { location } = answer.headers;
  if (typeof location !== 'string' || !URL.canParse(location, from.href)) return 'it redirects to nowhere';
  const target = new URL(location, from);
  target.hash = '';
  if (!/^https?:$/.test(target.protocol)) return 'it redirects to something that is not HTTP';
  if (from.protocol === 'https:' && target.protocol === 'http:') return 'it redirects from https to http';
  return target;
}

function trusting(caFile: string): SecureContext {
  let ca: string;
  try {
    ca = readFileSync(caFile, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TunnelError('FILE_UNREADABLE', `caFile ${caFile}: ${why}`, { cause: error });
  }
  try {
    // A context takes a file without a certificate in silence, and then trusts nobody new.
    const first = new X509Certificate(ca);
    return createSecureContext({ ca: [...rootCertificates, first.toString(), ca] });
  } catch (error) {
    throw new TunnelError('CONFIG_INVALID', `caFile ${caFile} holds no certificate as PEM text`, { cause: error });
  }
}
