import { Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { Arrivals } from '../arrivals.js';
import { listenLocally } from '../listen.js';
import { readAll } from '../read-all.js';
import { forward, freeLeg } from '../simulator/forward.js';
import { answer, answerHtml, answerTruncated, cut } from './answer.js';
import { QUOTA_MESSAGES, scriptErrorPage, SIGN_IN_PAGE, statusPage } from './pages.js';
import { SecondAddresses } from './second-addresses.js';
import type {
  Fault,
  FaultChoice,
  FaultRelay,
  FaultRelayOptions,
  NodeAnswer,
  RelayedExchange,
  RelayedRequest,
} from './types.js';

type Handler = (response: ServerResponse, request: IncomingMessage) => Promise<void>;

/** Addresses of redirects that nobody has followed yet. */
const MAX_SECOND_ADDRESSES = 1_024;

interface Exchange extends RelayedExchange {
  readonly answers: NodeAnswer[];
}

/** Starts an HTTP forwarder on loopback that does to each request what its test says. */
export async function startFaultRelay(options: FaultRelayOptions): Promise<FaultRelay> {
  const relay = new Relay(options);
  const local = await listenLocally((request, response) => void relay.handle(request, response));
  return {
    url: `${local.origin}/relay`,
    get exchanges() {
      return relay.arrivals.all;
    },
    exchange: (index) => relay.arrivals.at(index),
    push: (...faults) => void relay.queue.push(...faults),
    async close() {
      relay.close();
      await local.close();
    },
  };
}

class Relay {
  readonly arrivals = new Arrivals<RelayedExchange>('request');
  readonly queue: FaultChoice[];
  readonly #options: FaultRelayOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #leg = freeLeg();
  readonly #secondAddresses = new SecondAddresses<Handler>(MAX_SECOND_ADDRESSES);
  #requests = 0;

  constructor(options: FaultRelayOptions) {
    this.#options = options;
    this.queue = [...(options.faults ?? [])];
  }

  close(): void {
    this.arrivals.end();
    this.#agent.destroy();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { pathname } = new URL(request.url ?? '/', 'http://relay.invalid');
      const second = this.#secondAddresses.take(pathname);
      if (second !== undefined) {
        await second(response, request);
        return;
      }
      const index = this.#requests;
      this.#requests += 1;
      const relayed: RelayedRequest = {
        index,
        method: request.method ?? '',
        url: request.url ?? '',
        contentType: request.headers['content-type'] ?? '',
        body: await readAll(request),
      };
      const fault = normalise(await this.#decide(relayed));
      const exchange: Exchange = {
        ...relayed,
        ...this.#kept(relayed.body),
        fault,
        answers: [],
        finished: closed(response),
      };
      this.arrivals.push(exchange);
      await this.#run(fault, exchange, relayed.body, response);
    } catch {
      // The node or the client went away in the middle: to the client that is a cut connection.
      cut(response);
    }
  }

  #decide(request: RelayedRequest): FaultChoice | Promise<FaultChoice> {
    return this.queue.shift() ?? this.#options.decide?.(request) ?? 'pass';
  }

  async #run(fault: Fault, exchange: Exchange, body: Buffer, response: ServerResponse): Promise<void> {
    switch (fault.do) {
      case 'pass':
        return hand(response, await this.#forward(exchange, body, response));
      case 'html':
        return answerHtml(response, fault.status ?? 200, fault.page ?? SIGN_IN_PAGE);
      case 'status':
        return answer(response, fault.status, 'text/html', fault.page ?? statusPage(fault.status), fault.headers);
      case 'quota-page':
        return answerHtml(response, 200, scriptErrorPage(QUOTA_MESSAGES[fault.quota]));
      case 'json-error':
        return answer(
          response,
          200,
          'application/json',
          JSON.stringify({ e: fault.message ?? 'scripted fault', code: fault.code }),
        );
      case 'body':
        return answer(response, 200, fault.contentType ?? 'application/json', fault.body);
      case 'empty':
        if (fault.forward === true) await this.#forward(exchange, body, response);
        return answer(response, 200, 'application/json', '');
      case 'truncate': {
        const whole = await this.#forward(exchange, body, response);
        const keep = fault.keepBytes ?? Math.floor(whole.body.length / 2);
        return answerTruncated(response, fault.how, whole.contentType, whole.body, keep);
      }
      case 'drop-request':
        return cut(response);
      case 'drop-response':
        await this.#forward(exchange, body, response);
        return cut(response);
      case 'duplicate': {
        const first = await this.#forward(exchange, body, response);
        const second = await this.#forward(exchange, body, response);
        return hand(response, fault.answer === 'second' ? second : first);
      }
      case 'hold':
        return this.#hold(fault, exchange, body, response);
      case 'redirect':
        return this.#redirect(fault, exchange, body, response);
    }
  }

  async #hold(
    fault: Fault & { do: 'hold' },
    exchange: Exchange,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    if (fault.at === 'request') {
      await fault.gate.opened;
      return this.#run(fault.next ?? { do: 'pass' }, exchange, body, response);
    }
    const reply = await this.#forward(exchange, body, response);
    await fault.gate.opened;
    return hand(response, reply);
  }

  async #redirect(
    fault: Fault & { do: 'redirect' },
    exchange: Exchange,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    let location = fault.location;
    if (location === undefined) {
      let last: Handler;
      if (fault.status === 302 || fault.status === 303) {
        const reply = await this.#forward(exchange, body, response);
        last = async (out, request) => {
          if (request.method === 'GET') hand(out, reply);
          else answerHtml(out, 405, statusPage(405));
        };
      } else {
        last = async (out, request) => hand(out, await this.#forward(exchange, await readAll(request), out));
      }
      location = this.#secondAddresses.add(last);
      for (let hop = 1; hop < (fault.hops ?? 1); hop += 1) {
        const next = location;
        const hop: Handler = async (out) => answer(out, fault.status, 'text/html', '', { location: next });
        location = this.#secondAddresses.add(hop);
      }
    }
    return answer(response, fault.status, 'text/html', '', { location });
  }

  async #forward(exchange: Exchange, body: Buffer, response: ServerResponse): Promise<NodeAnswer> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    if (response.destroyed) onClose();
    response.once('close', onClose);
    try {
      const path = /\/tunnel\/?(\?|$)/.test(exchange.url) ? '/tunnel' : '/tunnel/batch';
      const address = new URL(path, this.#options.node);
      const reply = await forward(this.#agent, address, body, exchange.contentType, gone.signal, this.#leg);
      exchange.answers.push({ ...reply, ...this.#kept(reply.body) });
      return reply;
    } finally {
      response.off('close', onClose);
    }
  }

  /** The body as it is recorded. */
  #kept(body: Buffer): { body: Buffer } {
    return { body: this.#options.recordBodies === false ? Buffer.alloc(0) : body };
  }
}

/** Hands back an answer of the node: with status 200, since the node's status does not survive a relay. */
function hand(response: ServerResponse, reply: NodeAnswer): void {
  answer(response, 200, reply.contentType === '' ? 'application/json' : reply.contentType, reply.body);
}

function normalise(choice: FaultChoice): Fault {
  return typeof choice === 'string' ? { do: choice } : choice;
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    else response.once('close', resolve);
  });
}
