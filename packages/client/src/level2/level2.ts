/** Level 2 of the wire, as one thing. */
import type { EventHub, MillraceEvent } from '@millrace/protocol';
import { deriveToken } from '@millrace/protocol/level2';
import { KIND_FLOW, KIND_STREAM, type StreamEngineOptions } from '@millrace/protocol/stream';
import type { CarrierFailure } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { TunnelError } from '../errors.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { ResolvedOptions } from '../options.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';
import type { FlowOpener, Level, LevelStats, SharedFlow, SharedFlowRequest, StreamRequest } from '../tunnel/level.js';
import type { ProbeResult } from '../tunnel/types.js';
import { EngineDriver, type EngineUser } from './engine-driver.js';
import { relayError } from './errors.js';
import { isRefusal, type Form } from './exchange.js';
import { Level2Flow } from './flow.js';
import { CLIENT_ENGINE } from './memory.js';
import { Level2Nodes } from './nodes.js';
import { Level2Stream } from './stream.js';

/** What level 2 builds on. */
export interface Level2Options {
  readonly options: ResolvedOptions;
  readonly pool: RelayPool;
  readonly events: EventHub<MillraceEvent>;
  /** Of the engine; for tests. */
  readonly engine?: StreamEngineOptions;
  /** Another node instance than before answered over a relay, or the first. Default: an event. */
  readonly onNode?: (relay: Relay) => void;
  /** A relay refused a packet, as nodes do that do not speak this level. */
  readonly onRefused?: (relay: Relay) => void;
  /** What to make of a refusal by a relay that never answered at this level. Default: PEER_VERSION. */
  readonly refusal?: (relay: Relay, failure: CarrierFailure) => CarrierFailure;
  /** The hold that a relay bears may be another one now. */
  readonly onHold?: (relay: Relay) => void;
}

/** Level 2, with what whoever decides about levels has to know and to do. */
export interface Level2 extends Level {
  readonly nodes: Level2Nodes;
  /** Opens streams over a relay, too. */
  addRelay(relay: Relay, form: Form, startHoldMs?: number): void;
  /** Does so no more. */
  removeRelay(relay: Relay): void;
  /** Ends all streams and flows with an error. */
  failAll(error: TunnelError): void;
  /** Hold that a relay was found to bear, ms; undefined where it is not used. */
  holdMs(relay: Relay): number | undefined;
}

/** Begins to speak level 2 over the relays of `pool`, as far as they are added. */
export function createLevel2(options: Level2Options): Level2 {
  return new EngineLevel(options);
}

class EngineLevel implements Level2 {
  readonly nodes: Level2Nodes;
  readonly flows: FlowOpener = { shared: true, open: (request) => this.#openFlow(request) };
  readonly #parts: Level2Options;
  readonly #options: ResolvedOptions;
  readonly #pool: RelayPool;
  readonly #driver: EngineDriver;
  #sweep: Timer;
  /** When the node was heard of last, on the clock of `performance.now()`, and what came to nothing since. */
  #heardAt = 0;
  #failure: CarrierFailure | undefined;

  constructor(parts: Level2Options) {
    const { options, pool, events, engine = {}, onNode, refusal } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#pool = pool;
    const token = deriveToken(options.key);
    this.#driver = new EngineDriver({
      pool,
      token,
      exchangeTimeoutMs: options.exchangeTimeoutMs,
      engine: { ...CLIENT_ENGINE, maxStreams: CLIENT_LIMITS.maxStreams, ...engine },
      onAnswer: (relay, epoch, caps) => {
        this.#heardAt = performance.now();
        this.nodes.note(relay, epoch, caps);
        parts.onHold?.(relay);
      },
      isTrial: (relay, form) => form === 'bytes' && this.nodes.otherForm(relay, form) !== undefined,
      onFailure: (relay, form, failure, users) => this.#onFailure(relay, form, failure, users),
      onDifferentNode: (relay) => this.nodes.tellDifferent(relay),
    });
    this.nodes = new Level2Nodes({ driver: this.#driver, pool, events, token, options, onNode, refusal });
    this.#sweep = this.#sweepLater();
    pool.onRest(() => this.#checkRelays());
    pool.onProbeDue((relay) => {
      if (this.nodes.mayUse(relay)) void this.nodes.ask(relay);
    });
  }

  openStream(request: StreamRequest): void {
    const { host, port, channel } = request;
    const { engine, now } = this.#driver;
    const sid = engine.open({ host, port, kind: KIND_STREAM }, now);
    if (sid === undefined) {
      channel.fail(tooMany());
      return;
    }
    this.#driver.add(new Level2Stream(this.#driver, sid, request));
    this.#checkRelays();
  }

  addRelay(relay: Relay, form: Form, startHoldMs?: number): void {
    this.#driver.addRelay(relay, form, startHoldMs);
  }

  failAll(error: TunnelError): void {
    this.#driver.failAll(error);
  }

  holdMs(relay: Relay): number | undefined {
    return this.#driver.holdMs(relay);
  }

  removeRelay(relay: Relay): void {
    this.#driver.removeRelay(relay);
  }

  async probe(signal: AbortSignal | undefined): Promise<ProbeResult[]> {
    return this.nodes.probe(signal);
  }

  stats(): LevelStats {
    let receivedBytes = 0;
    let unsentBytes = 0;
    for (const { unreadBytes, unacknowledgedBytes, waitingBytes } of this.#driver.engine.inspect()) {
      receivedBytes += unreadBytes;
      unsentBytes += unacknowledgedBytes + waitingBytes;
    }
    return { waiting: this.#driver.opening.length, receivedBytes, unsentBytes, memory: this.#driver.memory };
  }

  levelOf(relay: Relay): 2 | undefined {
    return this.#driver.formOf(relay) === undefined ? undefined : 2;
  }

  async close(): Promise<void> {
    clearTimeout(this.#sweep);
    await Promise.all([this.#driver.close(CLIENT_LIMITS.closeWaitMs), this.nodes.close()]);
  }

  #openFlow(request: SharedFlowRequest): SharedFlow {
    const { host, port } = request;
    const { engine, now } = this.#driver;
    const sid = engine.open({ host, port, kind: KIND_FLOW }, now);
    if (sid === undefined) throw tooMany();
    const flow = new Level2Flow(this.#driver, sid, request, this.#options.flowIdleSeconds * 1_000);
    this.#driver.add(flow);
    return flow;
  }

  #sweepLater(): Timer {
    return choreTimer(() => {
      this.#cutSilent(performance.now());
      this.#sweep = this.#sweepLater();
    }, CLIENT_LIMITS.sweepMs);
  }

  /** Cuts what has lost its node: by now it has forgotten this client, or is not there any more. */
  #cutSilent(now: number): void {
    for (const user of this.#driver.users) {
      const silentMs = now - Math.max(this.#heardAt, user.startedAt);
      if (silentMs < CLIENT_LIMITS.nodeSilenceMs) continue;
      const why = this.#failure?.message ?? 'no relay may be used';
      const message = `nothing was heard of the node for ${Math.round(silentMs / 1_000)} s: ${why}`;
      user.fail(new TunnelError(this.#failure?.code ?? 'RELAY_TIMEOUT', message, { cause: this.#failure?.cause }));
    }
  }

  /** Fails what waits to be opened if every relay rests for longer than an application should wait for nothing. */
  #checkRelays(): void {
    const blocked = this.#pool.blocked((relay) => this.nodes.mayUse(relay));
    if (blocked === undefined || blocked.restMs <= CLIENT_LIMITS.openPatienceMs) return;
    for (const user of this.#driver.opening) user.fail(relayError(blocked.failure));
  }

  #onFailure(relay: Relay, form: Form, failure: CarrierFailure, users: readonly EngineUser[]): void {
    const other = isRefusal(failure) && this.#driver.formOf(relay) === form && this.nodes.otherForm(relay, form);
    if (other) {
      this.#driver.removeRelay(relay);
      this.#driver.addRelay(relay, other, undefined);
      if (form === 'bytes') return;
    }
    if (isRefusal(failure)) this.#parts.onRefused?.(relay);
    const told = this.nodes.noteFailure(relay, failure);
    this.#failure = told;
    const now = performance.now();
    // A relay that has answered as a tunnel may show a page now and then.
    const passing = told.code === 'RELAY_HTML' && this.nodes.nodeOf(relay) !== undefined;
    const permanent = PERMANENT.has(told.code) && !passing;
    const hopeless = permanent && this.#pool.blocked((other) => this.nodes.mayUse(other)) !== undefined;
    for (const user of users) {
      const late = now - user.startedAt >= this.#options.exchangeTimeoutMs;
      user.failures += 1;
      if (hopeless || late || user.failures >= CLIENT_LIMITS.maxOpenAttempts) user.fail(relayError(told));
    }
  }
}

/** What does not mend itself within the patience of an open. */
const PERMANENT: ReadonlySet<string> = new Set([
  'RELAY_AUTH',
  'RELAY_QUOTA_DAY',
  'RELAY_TLS',
  'RELAY_REDIRECT',
  'RELAY_HTML',
  'PEER_VERSION',
]);

function tooMany(): TunnelError {
  return new TunnelError('QUEUE_FULL', `a tunnel holds at most ${CLIENT_LIMITS.maxStreams} streams and flows`);
}
