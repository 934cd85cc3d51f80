import { randomUUID } from 'node:crypto';
import { CAPABILITY, EventHub, type MillraceEvent } from '@millrace/protocol';
import { deriveToken } from '@millrace/protocol/level2';
import { type AssociationTableOptions, NODE_ID_BYTES } from '@millrace/protocol/stream';
import { type AdminServer, startAdmin } from './admin/server.js';
import { Metrics } from './admin/metrics.js';
import { RequestHandler } from './carriers/http/handler.js';
import { RequestBudget } from './carriers/http/request-budget.js';
import { type HttpCarrier, startHttpCarrier } from './carriers/http/server.js';
import { type Clock, systemClock } from './clock.js';
import { publishEvents } from './diagnostics.js';
import type { Connect } from './egress/dialler.js';
import { Egress } from './egress/egress.js';
import { SystemAddresses } from './egress/own-addresses.js';
import { EgressPolicy } from './egress/policy.js';
import { KeyCheck } from './key-check.js';
import { Level1, Level1Exchanger } from './level1/index.js';
import { Level2, Level2Exchanger, TokenCheck } from './level2/index.js';
import { NODE_LIMITS, type NodeLimits } from './limits.js';
import type { ResolvedOptions } from './options.js';
import { BytePool } from './streams/byte-pool.js';
import { StreamTable } from './streams/table.js';

/** What a node holds now. */
export interface NodeStats {
  /** TCP streams open. */
  streams: number;
  /** UDP flows open. */
  flows: number;
  /** Opens under way. */
  opening: number;
  /** Closed streams whose last bytes are still on their way to the target. */
  lingering: number;
  /** Bytes held for clients and targets, and in answers that have not left yet. */
  bufferedBytes: number;
  /** Clients of level 2. */
  clients: number;
  /** Of the streams and flows, those of level 2. */
  level2Channels: number;
  /** Exchanges of level 2 whose answer is owed. */
  held: number;
  /** Requests being read, run or answered. */
  requests: number;
  /** Bytes of their bodies. */
  requestBytes: number;
}

/** A running tunnel node. */
export interface TunnelNode {
  /** `http:` or `https:` address of the tunnel listener, without path. */
  readonly url: string;
  /** Address of the admin listener; absent where there is none. */
  readonly adminUrl?: string;
  /** Random id of this run. */
  readonly id: string;
  /** Everything that happens. */
  readonly events: EventHub<MillraceEvent>;
  /** What it holds now. */
  stats(): NodeStats;
  /** Opens nothing more, gives running streams `drainSeconds`, then closes. Resolves when closed. */
  drain(): Promise<void>;
  /** Ends everything at once. Resolves when no socket is left. */
  close(): Promise<void>;
}

/** What tests replace. */
export interface NodeParts {
  clock?: Clock;
  connect?: Connect;
  limits?: Partial<NodeLimits>;
}

/** Puts a node together and starts it. @throws NodeError */
export async function createNode(options: ResolvedOptions, parts: NodeParts = {}): Promise<TunnelNode> {
  const token = await deriveToken(options.key);
  const node = new Node(options, token, parts);
  try {
    await node.start();
  } catch (error) {
    await node.close();
    throw error;
  }
  return node;
}

class Node implements TunnelNode {
  readonly id = randomUUID();
  /** Its own, so that nothing else is counted or published as the node's. */
  readonly events = new EventHub<MillraceEvent>();
  readonly #options: ResolvedOptions;
  readonly #clock: Clock;
  readonly #limits: NodeLimits;
  readonly #own: SystemAddresses;
  readonly #pool: BytePool;
  readonly #budget: RequestBudget;
  readonly #table: StreamTable;
  readonly #level2: Level2;
  readonly #handler: RequestHandler;
  readonly #metrics: Metrics;
  readonly #stopPublishing: () => void;
  #carrier: HttpCarrier | undefined;
  #admin: AdminServer | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #endDrain = (): void => {};

  constructor(options: ResolvedOptions, token: Uint8Array, parts: NodeParts) {
    const { events } = this;
    const { clock = systemClock, connect } = parts;
    const limits: NodeLimits = { ...NODE_LIMITS, ...parts.limits };
    if (options.events !== undefined) events.subscribe((event) => options.events!.emit(event));
    this.#options = options;
    this.#clock = clock;
    this.#limits = limits;
    this.#own = new SystemAddresses(clock);
    this.#pool = new BytePool(options.maxBufferedBytes);
    this.#budget = new RequestBudget(options.maxRequestBytes);
    const policy = new EgressPolicy(options, this.#own);
    this.#table = new StreamTable({
      maxStreams: options.maxStreams,
      streamIdleMs: options.streamIdleSeconds * 1_000,
      flowIdleMs: options.flowIdleSeconds * 1_000,
      maxLingering: limits.maxLingering,
      clock,
      events,
    });
    const { lookup, dialTimeoutMs } = options;
    const egress = new Egress({ policy, lookup, dialTimeoutMs, clock, events, limits, ...(connect && { connect }) });
    const level1 = new Level1({
      ...options,
      table: this.#table,
      egress,
      pool: this.#pool,
      clock,
      events,
      limits,
      nodeId: this.id,
    });
    this.#level2 = new Level2({
      table: this.#table,
      egress,
      clock,
      events,
      limits,
      logTargets: options.logTargets,
      nodeId: instanceOf(this.id),
      clientIdleMs: options.clientIdleSeconds * 1_000,
      engine: engineOptions(options),
    });
    const json = new Level1Exchanger(level1, new KeyCheck(options.key), events);
    const packet = new Level2Exchanger(this.#level2, new TokenCheck(token));
    this.#handler = new RequestHandler({
      exchangers: { json, packet, text: packet },
      budget: this.#budget,
      limits,
      diagnose: options.diagnose,
      events,
    });
    this.#metrics = new Metrics(events, () => this.stats());
    this.#stopPublishing = publishEvents(events);
  }

  get url(): string {
    return this.#carrier!.url;
  }

  get adminUrl(): string | undefined {
    return this.#admin?.url;
  }

  async start(): Promise<void> {
    const { listen, admin, tls } = this.#options;
    this.#carrier = await startHttpCarrier({ listen, tls, handler: this.#handler, limits: this.#limits });
    this.#own.listen(this.#carrier.port);
    if (admin === '') return;
    const isReady = (): boolean => this.#draining === undefined && this.#closing === undefined;
    this.#admin = await startAdmin({ listen: admin, metrics: this.#metrics, isReady, limits: this.#limits });
    this.#own.listen(this.#admin.port);
  }

  stats(): NodeStats {
    const level2 = this.#level2.stats();
    return {
      streams: this.#table.streams,
      flows: this.#table.flows,
      opening: this.#table.opening,
      lingering: this.#table.lingering,
      bufferedBytes: this.#pool.used + level2.engineBytes + level2.bufferedBytes,
      clients: level2.clients,
      level2Channels: level2.channels,
      held: level2.exchanges,
      requests: this.#handler.running,
      requestBytes: this.#budget.used,
    };
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    if (this.#closing === undefined) {
      this.#table.refuseOpens();
      this.#level2.drain();
      this.events.emit({ event: 'shutdown', phase: 'draining', streams: this.#open() });
      let cancel = (): void => {};
      const timeIsOver = new Promise<void>((resolve) => {
        this.#endDrain = resolve;
        cancel = this.#clock.after(this.#options.drainSeconds * 1_000, resolve);
      });
      // The answers that tell of the last ends have to leave too.
      await Promise.race([this.#table.empty().then(() => this.#handler.idle()), timeIsOver]);
      cancel();
      if (this.#closing === undefined && this.#open() > 0) await this.#cutLevel2();
    }
    await this.close();
  }

  /** What is still open is cut; clients hear of it now, since they could only guess later. */
  async #cutLevel2(): Promise<void> {
    const told = this.#level2.cutAll();
    let cancel = (): void => {};
    const waited = new Promise<void>((resolve) => {
      this.#endDrain = resolve;
      cancel = this.#clock.after(this.#limits.farewellMs, resolve);
    });
    await Promise.race([told, waited]);
    cancel();
  }

  async #close(): Promise<void> {
    const streams = this.#open();
    this.#endDrain();
    this.#handler.abortAll();
    const ended = this.#table.end();
    // After that, so that streams end because the node does; what is still being dialled ends here.
    this.#level2.close();
    await Promise.all([ended, this.#carrier?.close(), this.#admin?.close()]);
    await this.#handler.idle();
    this.events.emit({ event: 'shutdown', phase: 'closed', streams });
    this.#metrics.close();
    this.#stopPublishing();
  }

  #open(): number {
    return this.#table.streams + this.#table.flows;
  }
}

/**
 * What the engines of level 2 share, as parts of `maxBufferedBytes`; at its default 64 MiB to receive, 40 MiB to send (each
 * more than two seconds of 100 Mbit/s) and 8 MiB for flows.
 */
export function engineOptions({
  maxBufferedBytes,
  maxStreams,
  maxClients,
}: Pick<ResolvedOptions, 'maxBufferedBytes' | 'maxStreams' | 'maxClients'>): AssociationTableOptions {
  return {
    maxAssociations: maxClients,
    maxStreams: Math.min(maxStreams, 32_768),
    receiveBudgetBytes: Math.floor(maxBufferedBytes / 8),
    sendBudgetBytes: Math.floor((maxBufferedBytes * 5) / 64),
    flowBudgetBytes: Math.floor(Math.min(maxBufferedBytes / 64, 1024 * 1024 * 1024)),
    caps: CAPABILITY.PIPELINE_SEQ | CAPABILITY.RELIABLE_STREAM | CAPABILITY.DATAGRAMS,
  };
}

/** The node by its name at level 2: the beginning of its id, so that it is called alike at both levels. */
function instanceOf(id: string): Uint8Array {
  return Buffer.from(id.replaceAll('-', ''), 'hex').subarray(0, NODE_ID_BYTES);
}
