import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '@millrace/protocol';
import { SecondAddresses } from '../fault-relay/second-addresses.js';
import { SimulatedAccounts } from './accounts.js';
import {
  answerOf,
  isText,
  notFound,
  notTaken,
  notText,
  overQuota,
  redirectTo,
  refusedBy,
  signIn,
  type Answer,
} from './answers.js';
import type { Lines } from './ceiling.js';
import { Counters } from './counters.js';
import { Decider, type Decision } from './decide.js';
import type { DelayDraw } from './delay.js';
import { Exchange, NotTaken } from './exchange.js';
import { answerHeadBytes, receivedHeadBytes } from './head-bytes.js';
import { Line, receive, send, until } from './line.js';
import { NodeSide } from './node-side.js';
import type { ResolvedSettings } from './options.js';
import type { CountedFault, RelaySimulatorOptions, SimulatorStats } from './types.js';

/** What a simulator holds at most. */
export interface SimulatorBounds {
  /** Requests under way, silent ones included; for one more the silent one that has lasted longest ends. */
  readonly maxExchanges: number;
  /** Bytes of bodies; more are not taken. Some seconds of a fast link, and its queues. */
  readonly maxHeldBytes: number;
  /** Answers at second addresses that nobody has fetched yet; they also go when bytes are needed. */
  readonly maxSecondAddresses: number;
}

export const SIMULATOR_BOUNDS: SimulatorBounds = {
  maxExchanges: 1_024,
  maxHeldBytes: 512 * 1024 * 1024,
  maxSecondAddresses: 256,
};

/** What a second address serves: the answer, or the next address. */
interface Second {
  readonly decision: Decision;
  readonly hop: number;
  readonly answer: Answer;
}

/** What a simulated relay does with requests. */
export class Simulator {
  readonly settings: ResolvedSettings;
  readonly lines: Lines;
  readonly counters = new Counters();
  readonly #token: string | undefined;
  readonly #onFault: RelaySimulatorOptions['onFault'];
  readonly #accounts: SimulatedAccounts;
  readonly #account: string;
  readonly #decider: Decider;
  readonly #nodeSide: NodeSide;
  readonly #exchanges = new Set<Exchange>();
  readonly #silent = new Set<Exchange>();
  readonly #seconds: SecondAddresses<Second>;
  readonly #bounds: SimulatorBounds;
  readonly #startMs = performance.now();
  #closed = false;

  constructor(
    settings: ResolvedSettings,
    { node, token, accounts, onFault }: RelaySimulatorOptions,
    bounds: SimulatorBounds,
  ) {
    const { clientLeg, nodeLeg, slowFactor } = settings;
    this.settings = settings;
    this.lines = {
      clientUp: new Line(clientLeg.up, slowFactor),
      clientDown: new Line(clientLeg.down, slowFactor),
      nodeUp: new Line(nodeLeg.up, slowFactor),
      nodeDown: new Line(nodeLeg.down, slowFactor),
    };
    this.#nodeSide = new NodeSide({
      node,
      settings,
      lines: this.lines,
      take: (exchange, bytes) => this.#take(exchange, bytes),
      onFault: (fault, { decision }) => this.#fault(fault, decision),
    });
    this.#token = token;
    this.#onFault = onFault;
    this.#accounts = accounts ?? new SimulatedAccounts();
    this.#account = settings.account ?? '';
    this.#bounds = bounds;
    this.#seconds = new SecondAddresses(bounds.maxSecondAddresses, ({ answer }) =>
      this.counters.hold(-answer.body.length),
    );
    this.#decider = new Decider(settings);
  }

  stats(): SimulatorStats {
    return this.counters.stats(this.lines, this.#silent.size, performance.now());
  }

  close(): void {
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.close();
    while (this.#seconds.forgetOldest());
    this.#nodeSide.close();
  }

  /** Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Without listeners an error of a connection that is already cut would end the process.
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    const url = new URL(request.url ?? '/', 'http://relay.invalid');
    const second = this.#seconds.take(url.pathname);
    const known = this.#token === undefined || url.searchParams.get('token') === this.#token;
    if (second === undefined && (request.method !== 'POST' || !known)) {
      this.#fault('wrongToken');
      this.#turnAway(request, response, notFound());
    } else if (this.#closed || !this.#hasRoom()) {
      this.#fault('overloaded');
      this.#turnAway(request, response, notTaken('overloaded'));
    } else {
      const decision = second?.decision ?? this.#decider.next(performance.now() - this.#startMs);
      await this.#run(new Exchange(request, response, decision), second);
    }
  }

  #fault(fault: CountedFault, decision?: Decision): void {
    this.counters.faults[fault] += 1;
    this.#onFault?.(fault, decision?.index ?? -1);
  }

  #turnAway(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
    request.resume();
    response.writeHead(status, headers).end(body);
  }

  #hasRoom(): boolean {
    if (this.#exchanges.size < this.#bounds.maxExchanges) return true;
    const [oldest] = this.#silent;
    if (oldest === undefined) return false;
    this.#silent.delete(oldest);
    oldest.reset();
    return true;
  }

  async #run(exchange: Exchange, second: Second | undefined): Promise<void> {
    this.#exchanges.add(exchange);
    this.counters.began(performance.now());
    if (second === undefined) this.counters.requests += 1;
    else this.counters.redirected += 1;
    try {
      await (second === undefined ? this.#relay(exchange) : this.#serve(exchange, second));
    } catch {
      // The client or the simulator is gone, or the body was cut. To the client that is a cut connection.
      exchange.reset();
    } finally {
      await exchange.rest;
      this.counters.hold(-exchange.heldBytes);
      this.counters.ended(performance.now());
      this.#exchanges.delete(exchange);
    }
  }

  /** Counts bytes that are kept for an exchange. @throws NotTaken */
  #take(exchange: Exchange, bytes: number): void {
    const tooMuch = (): boolean => this.counters.heldBytes + bytes > this.#bounds.maxHeldBytes;
    while (tooMuch()) if (!this.#seconds.forgetOldest()) throw new NotTaken('overloaded');
    exchange.heldBytes += bytes;
    this.counters.hold(bytes);
  }

  async #body(exchange: Exchange, draw: DelayDraw): Promise<Buffer> {
    let size = 0;
    const passage = { line: this.lines.clientUp, draw, headBytes: exchange.headBytes };
    const { body, dueMs } = await receive(exchange.request, passage, (bytes) => {
      size += bytes;
      if (size > LIMITS.maxBodyBytes) throw new NotTaken('tooLarge');
      this.#take(exchange, bytes);
    });
    await until(dueMs, exchange.gone);
    return body;
  }

  async #relay(exchange: Exchange): Promise<void> {
    const { decision } = exchange;
    const { textOnly } = this.settings;
    let body: Buffer;
    try {
      body = await this.#body(exchange, decision.delays.clientUp);
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      this.#fault(error.why, decision);
      const answer = notTaken(error.why);
      return this.#answer(exchange, { ...answer, headers: { ...answer.headers, connection: 'close' } });
    }
    if (decision.window !== undefined) {
      this.#fault('window', decision);
      return this.#answer(exchange, refusedBy(decision.window));
    }
    if (decision.fault === 'requestLost') return this.#silence(exchange);
    if (decision.fault === 'requestReset') return this.#reset(exchange);
    if (textOnly && !isText(body)) {
      this.#fault('notText', decision);
      return this.#answer(exchange, notText());
    }
    const over = this.#accounts.begin(this.#account, this.settings, performance.now());
    if (over !== undefined) {
      this.#fault(over, decision);
      return this.#answer(exchange, overQuota(over === 'concurrency' ? 'rate' : 'day'));
    }
    if (decision.fault === 'requestRefused') this.#fault('requestRefused', decision);
    const answer = await this.#nodeSide.ask(exchange, body).finally(() => this.#accounts.end(this.#account));
    exchange.heldBytes -= body.length;
    this.counters.hold(-body.length);
    await this.#respond(exchange, answer);
  }

  /** Hands an answer on, at once or at the end of redirects, with what happens to answers. */
  async #respond(exchange: Exchange, answer: Answer): Promise<void> {
    const { decision } = exchange;
    if (this.settings.redirects > 0) return this.#redirect(exchange, { decision, hop: 0, answer });
    await this.#last(exchange, answer);
  }

  async #redirect(exchange: Exchange, second: Second): Promise<void> {
    const path = this.#seconds.add(second);
    // From here on the answer is held for the address, not for this request.
    exchange.heldBytes -= second.answer.body.length;
    await this.#answer(exchange, redirectTo(path));
  }

  async #serve(exchange: Exchange, { decision, hop, answer }: Second): Promise<void> {
    exchange.heldBytes += answer.body.length;
    const [up] = decision.redirectDelays[hop] ?? [decision.delays.clientUp];
    exchange.request.resume();
    const arrivedMs = this.lines.clientUp.pacer.send(receivedHeadBytes(exchange.request), performance.now());
    this.lines.clientUp.bytes += exchange.headBytes;
    await until(arrivedMs + this.lines.clientUp.delays.delayMs(arrivedMs, up), exchange.gone);
    if (hop + 1 < this.settings.redirects) return this.#redirect(exchange, { decision, hop: hop + 1, answer });
    await this.#last(exchange, answer, hop);
  }

  /** The answer that carries the body, or what becomes of it. */
  async #last(exchange: Exchange, answer: Answer, hop?: number): Promise<void> {
    const { decision } = exchange;
    const draw = hop === undefined ? undefined : decision.redirectDelays[hop]?.[1];
    switch (decision.fault) {
      case 'responseLost':
        return this.#silence(exchange);
      case 'responseReset':
        return this.#reset(exchange);
      case 'responseEmpty':
        this.#fault('responseEmpty', decision);
        return this.#answer(exchange, answerOf(200, 'text/plain', ''), draw);
      case 'responseHtml':
        this.#fault('responseHtml', decision);
        return this.#answer(exchange, signIn(), draw);
      case 'responseTruncated':
        this.#fault('responseTruncated', decision);
        return this.#answer(exchange, answer, draw, Math.floor(answer.body.length * decision.keep));
      default:
        return this.#answer(exchange, answer, draw);
    }
  }

  /** Sends an answer; only the first `keepBytes` of its body where that is given. */
  async #answer(
    { response, decision, gone, closed }: Exchange,
    { status, headers, body }: Answer,
    draw: DelayDraw = decision.delays.clientDown,
    keepBytes?: number,
  ): Promise<void> {
    const passage = { line: this.lines.clientDown, draw, headBytes: answerHeadBytes(headers) };
    const deliver = (piece: Buffer, last: boolean): void => {
      this.counters.delivered(performance.now());
      if (!response.headersSent) response.writeHead(status, headers);
      if (!last) response.write(piece);
      else if (keepBytes === undefined) response.end(piece);
      // Ends the connection without the end of the body, and only after the kept bytes have left.
      else response.write(piece, () => response.socket?.destroySoon());
    };
    await send(keepBytes === undefined ? body : body.subarray(0, keepBytes), passage, deliver, gone);
    await closed;
  }

  #reset(exchange: Exchange): void {
    const { fault } = exchange.decision;
    if (fault !== undefined) this.#fault(fault, exchange.decision);
    exchange.reset();
  }

  /** Answers nothing, for a long time. */
  async #silence(exchange: Exchange): Promise<void> {
    const { fault } = exchange.decision;
    this.#silent.add(exchange);
    if (fault !== undefined) this.#fault(fault, exchange.decision);
    const timer = setTimeout(() => exchange.reset(), this.settings.silenceMs);
    await exchange.closed;
    clearTimeout(timer);
    this.#silent.delete(exchange);
  }
}
