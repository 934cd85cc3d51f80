/** The tunnel itself: hands what applications ask for to the level, and keeps count. Universal: carriers are given to it. */
import { EventHub, formatHostPort, type AbortLike, type ErrorCode, type MillraceEvent } from '@millrace/protocol';
import type { Carrier } from '../carriers/carrier.js';
import { Account } from '../carriers/account.js';
import { Relay } from '../carriers/relay.js';
import { RelayPool } from '../carriers/relay-pool.js';
import { TunnelError } from '../errors.js';
import { CLIENT_LIMITS } from '../limits.js';
import { resolveOptions, type ResolvedOptions, type ResolvedRelay } from '../options.js';
import { keepState, type StateKeeper } from '../state/index.js';
import { Channel } from './channel.js';
import type { Flow, FlowRequest, Level, SharedFlow, SharedFlowRequest } from './level.js';
import { onAbort } from './on-abort.js';
import { OpenRecord, TimingRing } from './open-record.js';
import { pickLevel } from './pick-level.js';
import type {
  ConnectOptions,
  OpenTiming,
  ProbeResult,
  Tunnel,
  TunnelOptions,
  TunnelStats,
  TunnelStream,
  TunnelUdp,
} from './types.js';
import { Association, checkTarget } from './udp.js';

/** Makes the carrier of a relay, which bears `maxConcurrent` exchanges at once. Throws `TunnelError`. */
export type CarrierFactory = (relay: ResolvedRelay, maxConcurrent: number, options: ResolvedOptions) => Carrier;

/** Opens a tunnel over carriers that `createCarrier` makes. Throws `TunnelError`. */
export function createTunnel(options: TunnelOptions, createCarrier: CarrierFactory): Tunnel {
  const resolved = resolveOptions(options);
  if (resolved.signal?.aborted) throw new TunnelError('ABORTED', 'aborted before the tunnel was opened');
  return new RelayTunnel(resolved, createCarrier);
}

class RelayTunnel implements Tunnel {
  readonly events: EventHub<MillraceEvent>;
  readonly #options: ResolvedOptions;
  readonly #pool: RelayPool;
  readonly #keeper: StateKeeper | undefined;
  readonly #level: Level;
  readonly #ring = new TimingRing();
  readonly #channels = new Set<Channel>();
  readonly #associations = new Set<Association>();
  readonly #stopListening: () => void;
  #flows = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedOptions, createCarrier: CarrierFactory) {
    this.#options = options;
    this.events = options.events ?? new EventHub<MillraceEvent>();
    this.#pool = new RelayPool(createRelays(options, createCarrier), this.events);
    this.#keeper = options.store && keepState(options.store, this.#pool, this.events);
    this.#level = pickLevel({ options, pool: this.#pool, events: this.events, keeper: this.#keeper });
    void this.#keeper?.start();
    this.#stopListening = onAbort(options.signal, () => void this.close());
  }

  async connect(options: ConnectOptions): Promise<TunnelStream> {
    const { host, port, firstBytes = [], openReply = 'result', signal } = options;
    this.#checkOpen(signal);
    checkTarget(host, port);
    const record = this.#record('stream', host, port);
    const channel = new Channel((error) => {
      this.#channels.delete(channel);
      stopListening();
      if (!record.opened) record.fail(error?.code ?? 'STREAM_CLOSED');
      else record.close(channel.bytesUp, channel.bytesDown, error?.code);
    });
    this.#channels.add(channel);
    const stopListening = onAbort(signal, () => channel.reset(new TunnelError('ABORTED', 'the caller aborted')));
    this.#level.openStream({ host, port, channel, record });
    channel.writeFirst(Array.isArray(firstBytes) ? firstBytes : [firstBytes]);
    if (openReply === 'result') await channel.stream.opened;
    return channel.stream;
  }

  async udp({ signal }: { signal?: AbortLike } = {}): Promise<TunnelUdp> {
    this.#checkOpen(signal);
    const association = new Association({
      sharesFlows: () => this.#level.flows.shared,
      openFlow: (request) => this.#openFlow(request),
      openSharedFlow: (request) => this.#openSharedFlow(request),
      onDropped: (id, count) => this.events.emit({ event: 'dropped', id, count, code: 'QUEUE_FULL' }),
      onOver: () => {
        stopListening();
        this.#associations.delete(association);
      },
    });
    const stopListening = onAbort(signal, () => association.close());
    this.#associations.add(association);
    return association;
  }

  async probe({ signal }: { signal?: AbortSignal } = {}): Promise<ProbeResult[]> {
    this.#checkOpen(signal);
    return this.#level.probe(signal);
  }

  timings(): OpenTiming[] {
    return this.#ring.list();
  }

  stats(): TunnelStats {
    const now = performance.now();
    const channels = [...this.#channels];
    const level = this.#level.stats();
    return {
      streams: channels.length,
      flows: this.#flows,
      exchanges: this.#pool.inFlight,
      waiting: level.waiting,
      receivedBytes:
        level.receivedBytes +
        channels.reduce((sum, channel) => sum + channel.heldBytes, 0) +
        [...this.#associations].reduce((sum, association) => sum + association.heldBytes, 0),
      unsentBytes: level.unsentBytes + channels.reduce((sum, channel) => sum + channel.unsentBytes, 0),
      ...(level.memory === undefined ? {} : { memory: level.memory }),
      relays: this.#pool.relays.map((relay) => ({ ...relay.stats(now), ...this.#levelOf(relay) })),
      accounts: this.#pool.accounts.map((account) => account.stats(now)),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopListening();
    const error = new TunnelError('TUNNEL_CLOSED', 'the tunnel was closed here');
    for (const channel of this.#channels) channel.reset(error);
    for (const association of this.#associations) association.fail(error);
    await this.#level.close();
    await this.#pool.close();
    await this.#keeper?.close();
  }

  #levelOf(relay: Relay): { level?: 1 | 2 } {
    const level = this.#level.levelOf(relay);
    return level === undefined ? {} : { level };
  }

  #openFlow(request: Omit<FlowRequest, 'record'>): { flow: Flow; id: number } {
    const { flows } = this.#level;
    if (flows.shared) throw new TunnelError('INTERNAL', 'this level opens flows for all targets');
    return this.#addFlow(request, ({ record, onOver }) => flows.open({ ...request, record, onOver }));
  }

  #openSharedFlow(request: Omit<SharedFlowRequest, 'record'>): { flow: SharedFlow; id: number } {
    const { flows } = this.#level;
    if (!flows.shared) throw new TunnelError('INTERNAL', 'this level opens a flow for each target');
    return this.#addFlow(request, ({ record, onOver }) => flows.open({ ...request, record, onOver }));
  }

  #addFlow<F>(
    { host, port, onOver }: Pick<FlowRequest, 'host' | 'port' | 'onOver'>,
    open: (counted: Pick<FlowRequest, 'record' | 'onOver'>) => F,
  ): { flow: F; id: number } {
    this.#checkRoom();
    const record = this.#record('flow', host, port);
    const over = (): void => {
      this.#flows -= 1;
      onOver();
    };
    this.#flows += 1;
    try {
      return { flow: open({ record, onOver: over }), id: record.id };
    } catch (error) {
      this.#flows -= 1;
      record.fail(error instanceof TunnelError ? error.code : 'INTERNAL');
      throw error;
    }
  }

  #record(kind: 'stream' | 'flow', host: string, port: number): OpenRecord {
    const { logTargets, timing } = this.#options;
    const target = logTargets ? formatHostPort(host, port) : undefined;
    const record = new OpenRecord({ kind, target, events: this.events, timing });
    this.#ring.add(record);
    return record;
  }

  #checkOpen(signal: AbortLike | undefined): void {
    if (this.#closing !== undefined) throw new TunnelError('TUNNEL_CLOSED', 'the tunnel was closed here');
    if (signal?.aborted) throw new TunnelError('ABORTED', 'the caller aborted');
    this.#checkRoom();
  }

  #checkRoom(): void {
    if (this.#channels.size + this.#flows >= CLIENT_LIMITS.maxStreams) {
      const code: ErrorCode = 'QUEUE_FULL';
      throw new TunnelError(code, `a tunnel holds at most ${CLIENT_LIMITS.maxStreams} streams and flows`);
    }
  }
}

function createRelays(options: ResolvedOptions, createCarrier: CarrierFactory): Relay[] {
  const accounts = new Map([...options.accounts].map(([name, bounds]) => [name, new Account(name, bounds)]));
  return options.relays.map((entry) => {
    const account = accounts.get(entry.account) as Account;
    return new Relay(entry, createCarrier(entry, account.maxConcurrent, options), account);
  });
}
