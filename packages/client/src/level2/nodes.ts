/**
 * Which relays carry level 2, in which form, and which node is behind each. A relay is asked by a packet that carries
 * nothing, of a client instance of its own: in bytes, and where those do not arrive whole, in text.
 */
import type { EventHub, MillraceEvent, PeerEvent } from '@millrace/protocol';
import { CAPABILITY } from '@millrace/protocol';
import type { PacketValue } from '@millrace/protocol/level2';
import { NODE_ID_BYTES } from '@millrace/protocol/stream';
import type { CarrierFailure, CarrierStep } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { leaseOf } from '../carriers/relay-pool-wait.js';
import { TunnelError } from '../errors.js';
import type { ResolvedOptions } from '../options.js';
import type { ProbeResult } from '../tunnel/types.js';
import type { EngineDriver } from './engine-driver.js';
import { relayError } from './errors.js';
import { exchangePacket, isRefusal, type Form } from './exchange.js';

/** What is known of one relay. */
interface Known {
  /** The node instance that answered last. */
  node: string | undefined;
  /** What it is named after. */
  id?: Uint8Array;
  /** It has answered at this level. */
  proven: boolean;
}

export interface Level2NodesOptions {
  readonly driver: EngineDriver;
  readonly pool: RelayPool;
  readonly events: EventHub<MillraceEvent>;
  readonly token: Promise<Uint8Array>;
  readonly options: ResolvedOptions;
  /** Another node instance than before answered over a relay, or the first. Default: an event. */
  readonly onNode?: ((relay: Relay) => void) | undefined;
  /** What to make of a relay's refusal that never answered at this level. */
  readonly refusal?: ((relay: Relay, failure: CarrierFailure) => CarrierFailure) | undefined;
}

/** What asking a relay came to. */
export type Asked =
  | { readonly ok: true; readonly form: Form; readonly peer: PeerEvent }
  | { readonly ok: false; readonly failure: CarrierFailure };

const CID_BYTES = 16;

/** How long a relay that leads to another node is left alone; the engine looks at it again then. */
const DIFFERENT_REST_MS = 60_000;

export class Level2Nodes {
  readonly #options: Level2NodesOptions;
  readonly #known = new Map<Relay, Known>();
  readonly #cid = globalThis.crypto.getRandomValues(new Uint8Array(CID_BYTES));
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #nextNumber = 0;

  constructor(options: Level2NodesOptions) {
    this.#options = options;
    for (const relay of options.pool.relays) this.#known.set(relay, { node: undefined, proven: false });
  }

  /** Whether streams are opened over a relay. */
  mayUse(relay: Relay): boolean {
    return this.#options.driver.formOf(relay) !== undefined;
  }

  /** The node instance behind a relay, as far as it is known. */
  nodeOf(relay: Relay): string | undefined {
    return this.#of(relay).node;
  }

  /** An exchange was answered. */
  note(relay: Relay, epoch: Uint8Array | undefined, caps: number): PeerEvent {
    const known = this.#of(relay);
    const node = epoch === undefined || isNode(known.id, epoch) ? known.node : nodeName(epoch);
    const changed = !known.proven || known.node !== node;
    // A copy: the epoch is part of the answer's memory.
    if (epoch !== undefined && node !== known.node) known.id = new Uint8Array(epoch.subarray(0, NODE_ID_BYTES));
    known.node = node;
    known.proven = true;
    const event: PeerEvent = {
      event: 'peer',
      relay: relay.name,
      level: 2,
      caps,
      ...(node === undefined ? {} : { node }),
    };
    const { onNode, events } = this.#options;
    if (changed && onNode !== undefined) onNode(relay);
    else if (changed) events.emit(event);
    return event;
  }

  /** The form in which to begin with a relay. */
  firstForm(relay: Relay): Form {
    return relay.entry.carries === 'text' ? 'text' : 'bytes';
  }

  /** The form to try when this one was refused, for as long as none has passed. */
  otherForm(relay: Relay, form: Form): Form | undefined {
    if (relay.entry.carries !== 'auto' || this.#of(relay).proven) return undefined;
    return form === 'bytes' ? 'text' : 'bytes';
  }

  /** An exchange failed. Returns what to make of it. */
  noteFailure(relay: Relay, failure: CarrierFailure): CarrierFailure {
    if (this.#of(relay).proven || !isRefusal(failure)) return failure;
    return (this.#options.refusal ?? notLevel2)(relay, failure);
  }

  /** Nothing is known of a relay any more. */
  forget(relay: Relay): void {
    this.#known.set(relay, { node: undefined, proven: false });
  }

  /** A relay leads to another node than the others in use. */
  tellDifferent(relay: Relay): void {
    const other = this.#options.driver.relays.find((each) => each !== relay && this.#of(each).proven);
    this.#options.events.emit({
      event: 'relay-failed',
      relay: relay.name,
      code: 'PEER_DIFFERENT_NODES',
      message: `${relay.name} leads to another node than ${other?.name ?? 'the others'}: give every relay the same node address`,
      restMs: DIFFERENT_REST_MS,
    });
  }

  /** Asks every relay, for a caller. Rejects with `ABORTED`. */
  async probe(signal: AbortSignal | undefined): Promise<ProbeResult[]> {
    const results = await Promise.all(this.#options.pool.relays.map((relay) => this.#probe(relay, signal)));
    if (signal?.aborted) throw new TunnelError('ABORTED', 'the caller aborted');
    return results;
  }

  /** Finds out in which form a relay carries level 2, if it does. Never rejects. */
  ask(relay: Relay, signal?: AbortSignal, onStep?: (step: CarrierStep, atMs: number) => void): Promise<Asked> {
    const running = this.#ask(relay, signal, onStep);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    return running;
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#running);
  }

  async #probe(relay: Relay, signal: AbortSignal | undefined): Promise<ProbeResult> {
    const startedAt = performance.now();
    const checkpoints: ProbeResult['checkpoints'] = [];
    const asked = await this.ask(relay, signal, (step, atMs) => {
      checkpoints.push({ step, ms: Math.max(0, atMs - startedAt) });
    });
    return {
      relay: relay.name,
      ...(asked.ok ? { peer: asked.peer } : { error: relayError(asked.failure) }),
      checkpoints,
      ms: performance.now() - startedAt,
    };
  }

  async #ask(
    relay: Relay,
    signal: AbortSignal | undefined,
    onStep: ((step: CarrierStep, atMs: number) => void) | undefined,
  ): Promise<Asked> {
    const both = AbortSignal.any(signal === undefined ? [this.#abort.signal] : [signal, this.#abort.signal]);
    const token = await this.#options.token;
    const { driver } = this.#options;
    const inUse = driver.formOf(relay);
    const begin = inUse ?? this.firstForm(relay);
    const known = relay.entry.carries !== 'auto' || (inUse !== undefined && this.#of(relay).proven);
    const forms: readonly Form[] = known ? [begin] : [begin, begin === 'bytes' ? 'text' : 'bytes'];
    let first: CarrierFailure | undefined;
    for (const form of forms) {
      const lease = await leaseOf(this.#options.pool, relay, both);
      if ('code' in lease) return { ok: false, failure: first ?? lease };
      const packet: PacketValue = { n: this.#nextNumber++, cid: this.#cid, hold: 0, max: 0, caps: CAPS };
      const result = await exchangePacket(lease, packet, {
        token,
        form,
        held: false,
        // A relay that is not in use yet may well carry level 1 only.
        trial: inUse === undefined || form !== forms.at(-1),
        send: {
          timeoutMs: this.#options.options.exchangeTimeoutMs,
          signal: both,
          ...(onStep === undefined ? {} : { onStep }),
        },
      });
      if (result.ok) {
        // What is under way in the form that does not pass is sent again in this one.
        if (driver.formOf(relay) === begin && form !== begin) {
          driver.removeRelay(relay);
          driver.addRelay(relay, form, undefined);
        }
        return { ok: true, form, peer: this.note(relay, result.value.packet.epoch, result.value.packet.caps ?? 0) };
      }
      first ??= result.failure;
      // What says nothing about the form of the body says nothing about another form.
      if (!isRefusal(result.failure)) break;
    }
    return { ok: false, failure: this.noteFailure(relay, first as CarrierFailure) };
  }

  #of(relay: Relay): Known {
    return this.#known.get(relay) as Known;
  }
}

/** What a packet of this client shows that it can do. */
const CAPS = CAPABILITY.RELIABLE_STREAM | CAPABILITY.DATAGRAMS;

function notLevel2(relay: Relay, failure: CarrierFailure): CarrierFailure {
  // No node of any age answers that.
  if (failure.code === 'RELAY_BODY') return failure;
  return {
    ...failure,
    code: 'PEER_VERSION',
    message:
      `${relay.name} refused level 2: its node is older, or the relay's token or the key is another one; ` +
      `update the node, compare token and key, or go back to \`--level auto\` (${failure.message})`,
  };
}

/** Whether two epochs are of the same instance: each answer asks that, and a name takes longer to make than all else of it. */
function isNode(known: Uint8Array | undefined, epoch: Uint8Array): boolean {
  if (known === undefined) return false;
  for (let index = 0; index < NODE_ID_BYTES; index++) if (known[index] !== epoch[index]) return false;
  return true;
}

/** The node's instance as its UUID begins, by which it is called at level 1. */
function nodeName(epoch: Uint8Array): string {
  const hex = Array.from(epoch.subarray(0, NODE_ID_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}`;
}
