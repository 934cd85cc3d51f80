import { randomBytes } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { decodeBody, decodePacket, deriveToken, encodeBody, type PacketValue } from '@millrace/protocol/level2';
import {
  ClientEngine,
  type ClientTransmit,
  KIND_FLOW,
  KIND_STREAM,
  type PathOptions,
  type StreamEngineEvent,
  type StreamEngineOptions,
} from '@millrace/protocol/stream';
import { type Clock, systemClock } from '../../src/clock.js';
import { ClientFlow, ClientStream } from './level2-stream.js';
import { KEY } from './node.js';

/** What becomes of an exchange: `deliver`; `again`: sent twice, the first answer kept; `lose`: its answer is lost. */
export type Fate = 'deliver' | 'again' | 'twice-at-once' | 'lose-request' | 'lose-answer';

export interface Level2ClientOptions {
  clock?: Clock;
  cid?: Uint8Array;
  key?: string;
  /** Bodies go as text. */
  text?: boolean;
  path?: Partial<PathOptions>;
  engine?: StreamEngineOptions;
  /** Asked for every exchange, by its count. */
  fate?: (count: number, packet: PacketValue) => Fate;
}

/** A client of level 2 for tests: the engine, driven over real HTTP. */
export class Level2Client {
  readonly engine: ClientEngine;
  readonly cid: Uint8Array;
  /** Events that tell of no stream. */
  readonly events: StreamEngineEvent[] = [];
  /** Bytes of bodies each way, exchanges begun, and those under way now. */
  readonly counts = { exchanges: 0, running: 0, bytesOut: 0, bytesIn: 0, failed: 0 };
  readonly #options: Level2ClientOptions;
  readonly #clock: Clock;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #streams = new Map<number, { on: (event: StreamEngineEvent) => void }>();
  readonly #aborts = new Map<number, AbortController>();
  readonly #token: Uint8Array;
  #url: string;
  #woken = false;
  #closed = false;
  #timer: { at: number; cancel: () => void } | undefined;

  private constructor(url: string, token: Uint8Array, options: Level2ClientOptions) {
    this.#url = url;
    this.#token = token;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.cid = options.cid ?? randomBytes(16);
    this.engine = new ClientEngine(this.cid, options.engine);
    this.engine.addPath('relay', { paired: true, holdMs: 30_000, ...options.path });
  }

  /** A client of the node at `url` (without path). */
  static async start(url: string, options: Level2ClientOptions = {}): Promise<Level2Client> {
    return new Level2Client(url, await deriveToken(options.key ?? KEY), options);
  }

  now(): number {
    return this.#clock.now();
  }

  /** From now on requests go there. */
  moveTo(url: string): void {
    this.#url = url;
  }

  /** Opens a stream. */
  open(port: number, host = '127.0.0.1'): ClientStream {
    const sid = this.engine.open({ host, port, kind: KIND_STREAM }, this.now());
    if (sid === undefined) throw new Error('no stream could be opened');
    const stream = new ClientStream(this, sid);
    this.#streams.set(sid, stream);
    this.wake();
    return stream;
  }

  /** Opens a flow; `host` and `port` are for datagrams that name no target. */
  openFlow(port = 9, host = '127.0.0.1'): ClientFlow {
    const sid = this.engine.open({ host, port, kind: KIND_FLOW }, this.now());
    if (sid === undefined) throw new Error('no flow could be opened');
    const flow = new ClientFlow(this, sid);
    this.#streams.set(sid, flow);
    this.wake();
    return flow;
  }

  /** Hears the events of a stream that was opened at the engine itself. */
  watch(sid: number, on: (event: StreamEngineEvent) => void): void {
    this.#streams.set(sid, { on });
  }

  /** Asks the engine soon. */
  wake(): void {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    setImmediate(() => this.#run());
  }

  /** Says nothing any more, as a client that was switched off. */
  stop(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const abort of this.#aborts.values()) abort.abort();
    this.#agent.destroy();
  }

  /** Cuts the connections of all exchanges under way; the engine hears of it as of any failure. */
  cutAll(): void {
    for (const abort of this.#aborts.values()) abort.abort();
  }

  /** A body that carries a packet of this client, as it is sent. */
  encode(packet: PacketValue): Uint8Array {
    return encodeBody(packet, { token: this.#token, text: this.#options.text ?? false });
  }

  /** Posts a body and returns that of the answer; throws for a refusal. */
  async post(body: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const { status, bytes, contentType } = await this.#post(body, signal);
    if (status !== 200) throw new Error(`refused with ${status}`);
    const expected = this.#options.text ? 'text/plain' : 'application/octet-stream';
    if (contentType !== expected) throw new Error(`the answer is ${contentType}`);
    return bytes;
  }

  #run(): void {
    this.#woken = false;
    if (this.#closed) return;
    const now = this.now();
    const due = this.engine.pollTimeout();
    if (due !== undefined && due <= now) this.engine.handleTimeout(now);
    for (let event = this.engine.pollEvent(); event !== undefined; event = this.engine.pollEvent()) this.#on(event);
    for (let next = this.engine.pollTransmit(now); next !== undefined; next = this.engine.pollTransmit(now)) {
      void this.#exchange(next);
    }
    this.#setTimer();
  }

  #on(event: StreamEngineEvent): void {
    if ('sid' in event) this.#streams.get(event.sid)?.on(event);
    else if (event.type === 'abandoned') this.#aborts.get(event.n)?.abort();
    else this.events.push(event);
  }

  async #exchange({ path, packet }: ClientTransmit): Promise<void> {
    const fate = this.#options.fate?.(this.counts.exchanges, packet) ?? 'deliver';
    const abort = new AbortController();
    this.#aborts.set(packet.n, abort);
    this.counts.exchanges++;
    this.counts.running++;
    try {
      const answer = await this.#carry(this.encode(packet), fate, abort.signal);
      if (answer === undefined) throw new Error('lost');
      const parts = decodeBody(answer, 'response');
      this.engine.handlePacket(path, decodePacket(parts.packet), this.now());
    } catch {
      this.counts.failed++;
      this.engine.exchangeFailed(path, packet.n, this.now());
    }
    this.counts.running--;
    this.#aborts.delete(packet.n);
    this.wake();
  }

  async #carry(body: Uint8Array, fate: Fate, signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.counts.bytesOut += body.length;
    if (fate === 'lose-request') return undefined;
    const [answer] = await Promise.all([
      this.post(body, signal),
      fate === 'twice-at-once' ? this.post(body, signal) : undefined,
    ]);
    this.counts.bytesIn += answer.length;
    if (fate === 'again') await this.post(body, signal);
    return fate === 'lose-answer' ? undefined : answer;
  }

  #post(
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<{ status: number; bytes: Buffer; contentType: string | undefined }> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-length': body.length };
      const settings = { method: 'POST', agent: this.#agent, headers, noDelay: true, ...(signal && { signal }) };
      const request = httpRequest(`${this.#url}/tunnel/batch`, settings, (response) => {
        // The length is known, so that the answer is put together once.
        const bytes = Buffer.allocUnsafeSlow(Number(response.headers['content-length']));
        let length = 0;
        response.on('data', (chunk: Buffer) => (length += chunk.copy(bytes, length)));
        response.on('error', reject);
        response.on('end', () => {
          if (length !== bytes.length) return reject(new Error('truncated'));
          resolve({ status: response.statusCode!, bytes, contentType: response.headers['content-type'] });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  #setTimer(): void {
    const at = this.engine.pollTimeout();
    if (at === undefined || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(Math.max(0, at - this.now()), () => {
      this.#timer = undefined;
      this.#run();
    });
    this.#timer = { at, cancel };
  }
}
