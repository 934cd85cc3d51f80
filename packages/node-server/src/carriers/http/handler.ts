import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  AbortFlag,
  type AbortLike,
  bodyForm,
  type BodyForm,
  type EventHub,
  LIMITS,
  type MillraceEvent,
} from '@millrace/protocol';
import { codeOf, NodeError } from '../../errors.js';
import type { NodeLimits } from '../../limits.js';
import type { Answer, Exchanger, Route } from '../exchanger.js';
import { readBody } from './body.js';
import { Gate } from './gate.js';
import { refuse, refuseOpenly } from './refusal.js';
import type { Claim, RequestBudget } from './request-budget.js';
import { unzip } from './unzip.js';

/** What a {@link RequestHandler} needs. */
export interface RequestHandlerOptions {
  /** Who runs bodies of which form. Other forms are refused. */
  exchangers: Partial<Record<BodyForm, Exchanger>>;
  budget: RequestBudget;
  limits: NodeLimits;
  /** Say why a request is refused. */
  diagnose: boolean;
  events: EventHub<MillraceEvent>;
}

/** Takes requests from their first byte to the last of their answer. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #unzips: Gate;
  readonly #running = new Set<AbortFlag>();
  readonly #idle = new Set<() => void>();

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
    this.#unzips = new Gate(options.limits.maxUnzips);
  }

  /** Requests being read, run or answered. */
  get running(): number {
    return this.#running.size;
  }

  /** Resolves once no request is there. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  /** Tells every request that nobody waits for it any more. */
  abortAll(): void {
    for (const gone of this.#running) gone.abort(GONE);
  }

  /** Handles one request. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortFlag();
    const claim = this.#options.budget.claim();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(GONE);
    });
    this.#running.add(gone);
    try {
      const answer = await this.#answer(request, claim, gone);
      await send(response, answer, this.#options.limits.answerStallMs);
    } catch (error) {
      this.#refuse(response, error);
    } finally {
      claim.release();
      this.#running.delete(gone);
      if (this.#running.size === 0) this.#tellIdle();
    }
  }

  async #answer(request: IncomingMessage, claim: Claim, signal: AbortLike): Promise<Answer> {
    const { limits, exchangers } = this.#options;
    if (this.#running.size > limits.maxRequests) throw new NodeError('NODE_BUSY', 'too many requests at once');
    const route = routeOf(request);
    const raw = await readBody(request, {
      maxBytes: LIMITS.maxBodyBytes,
      claim,
      keep: route !== undefined,
      memory: (start, bytes) => this.#memoryFor(start, bytes),
    });
    if (route === undefined)
      throw new NodeError('MESSAGE_INVALID', 'only POST /tunnel and POST /tunnel/batch are served');
    const zipped = bodyForm(raw) === 'gzip';
    const body = zipped ? await this.#unzips.run(() => unzip(raw, claim)) : raw;
    const form = bodyForm(body);
    // Only level 1 is ever zipped.
    const exchanger = zipped && form !== 'json' ? undefined : exchangers[form];
    if (exchanger === undefined)
      throw new NodeError('PEER_VERSION', `this node does not take bodies of the form ${form}`);
    exchanger.authenticate(body);
    // Not awaited here: while an answer is held nothing may keep the body.
    return exchanger.run(route, body, signal, claim.release);
  }

  /** Memory for a body whose first bytes show the key, as they do at level 2. */
  #memoryFor(start: Buffer, bytes: number): Buffer | undefined {
    const exchanger = this.#options.exchangers[bodyForm(start)];
    if (exchanger?.memory === undefined) return undefined;
    try {
      exchanger.authenticate(start);
    } catch {
      return undefined;
    }
    return exchanger.memory(bytes);
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const code = codeOf(error);
    // A client that has gone was not refused.
    if (code === 'ABORTED') {
      response.destroy();
      return;
    }
    this.#options.events.emit({ event: 'refused', code });
    if (this.#options.diagnose && code !== 'INTERNAL') refuseOpenly(response, code, (error as Error).message);
    else refuse(response);
  }

  #tellIdle(): void {
    for (const tell of this.#idle) tell();
    this.#idle.clear();
  }
}

/** One for all: an error of its own for each request costs more than the rest of its end. */
const GONE = new NodeError('ABORTED', 'nobody waits for the answer any more');

const ROUTES: Readonly<Record<string, Route>> = { '/tunnel': 'single', '/tunnel/batch': 'batch' };

function routeOf({ method, url }: IncomingMessage): Route | undefined {
  const path = url?.split('?', 1)[0] ?? '';
  return method === 'POST' && Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
}

/** Writes an answer, and tells its owner whether the connection took all of it. */
function send(response: ServerResponse, { body, contentType, finished }: Answer, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const tell = (delivered: boolean): void => {
      if (told) return;
      told = true;
      finished(delivered);
      resolve();
    };
    const { socket } = response;
    if (response.destroyed || socket === null) return tell(false);
    // "finish" comes too when the connection broke under the answer; only the socket tells them apart.
    // Before the server's own listener, which sets the time for which an idle connection is kept.
    response.prependOnceListener('finish', () => {
      socket.setTimeout(0);
      tell(!socket.destroyed);
    });
    response.once('close', () => tell(false));
    // Long polls are over by now: from here on a connection on which nothing moves is given up.
    socket.setTimeout(stallMs);
    response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': body.length });
    response.end(body);
  });
}
