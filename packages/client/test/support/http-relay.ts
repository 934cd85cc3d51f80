/** A real local HTTP server whose answers the test decides, for the HTTP carrier. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Arrivals } from '@millrace/testkit';
import { createHttpCarrier, type HttpCarrierOptions } from '../../src/carriers/http/carrier.js';
import type { Carrier, CarrierAnswer, CarrierStep, SendOptions } from '../../src/carriers/carrier.js';
import { resolveOptions } from '../../src/options.js';
import type { TunnelOptions } from '../../src/tunnel/types.js';
import { KEY } from './setup.js';

export interface RelayRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** Counts connections, from 0. */
  readonly connection: number;
}

export class HttpRelay {
  readonly requests = new Arrivals<RelayRequest>('request');
  readonly connections = new Arrivals<Socket>('connection');
  /** Answers; by default `{"r":[]}`. */
  handle: (request: RelayRequest) => void = ({ response }) => response.end('{"r":[]}');
  readonly #server: Server;
  readonly #secure: boolean;
  readonly #open = new Set<Socket>();

  private constructor(tls: { cert: string; key: string } | undefined) {
    this.#secure = tls !== undefined;
    this.#server = tls === undefined ? createServer() : createTlsServer(tls);
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
      socket.on('error', () => {});
      this.connections.push(socket);
    });
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const relayed = {
          request,
          response,
          body: Buffer.concat(chunks),
          connection: this.connections.all.indexOf(request.socket),
        };
        this.requests.push(relayed);
        this.handle(relayed);
      });
    });
  }

  static async start(tls?: { cert: string; key: string }): Promise<HttpRelay> {
    const relay = new HttpRelay(tls);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#secure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  get server(): Server {
    return this.#server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** What a carrier made of an exchange. */
export type Told = CarrierAnswer & { steps: CarrierStep[] };

export interface TestCarrier extends AsyncDisposable {
  readonly carrier: Carrier;
  send(body?: Uint8Array, options?: Partial<SendOptions>): Promise<Told>;
}

/** A carrier to one relay entry. */
export function httpCarrier(
  entry: NonNullable<TunnelOptions['relays']>[number],
  options: Partial<Omit<HttpCarrierOptions, 'relay'>> = {},
): TestCarrier {
  const { relays } = resolveOptions({ key: KEY, relays: [{ kind: 'node', ...entry }] });
  const carrier = createHttpCarrier({
    relay: relays[0]!,
    connections: 1,
    maxConcurrent: 30,
    connectTimeoutMs: 8_000,
    ...options,
  });
  return {
    carrier,
    async send(body = Buffer.from('{"k":"","ops":[]}'), sendOptions = {}) {
      const steps: CarrierStep[] = [];
      const answer = await carrier.send(body, {
        timeoutMs: 20_000,
        onStep: (step) => steps.push(step),
        ...sendOptions,
      });
      return { ...answer, steps };
    },
    [Symbol.asyncDispose]: () => carrier.close(),
  };
}

/** The text of an answer; throws with the failure if there is none. */
export function textOf(answer: CarrierAnswer): string {
  if (!answer.ok) throw new Error(`${answer.failure.code}: ${answer.failure.message}`);
  return Buffer.from(answer.body).toString();
}

/** The failure of an answer; throws if there is none. */
export function failureOf(answer: CarrierAnswer): {
  code: string;
  message: string;
  ambiguous: boolean;
  retryAfterMs?: number;
} {
  if (answer.ok) throw new Error(`answered ${Buffer.from(answer.body).toString()}`);
  return answer.failure;
}
