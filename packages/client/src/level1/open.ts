/** Opens one stream: `connect`, or `connect_data` when there are bytes to go with it. Never dials twice in silence. */
import { encodeBase64, type BatchOp, type TunnelResponse } from '@millrace/protocol';
import type { CarrierFailure } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';
import { TunnelError } from '../errors.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { StreamRequest } from '../tunnel/level.js';
import type { CloseTarget } from './close-op.js';
import type { Level1Context } from './context.js';
import type { Batch, OpSource, PlannedOp } from './mux.js';
import { maySequence } from './peers.js';
import { dialError, isUnsupported } from './reply-error.js';
import { Level1Stream } from './stream.js';

export class StreamOpen implements OpSource {
  readonly #context: Level1Context;
  readonly #request: StreamRequest;
  /** First bytes, once they were taken; they stay with the open until it has succeeded. */
  #first: Uint8Array | undefined;
  #settled = false;

  constructor(context: Level1Context, request: StreamRequest) {
    this.#context = context;
    this.#request = request;
    request.channel.drive({ onActivity: () => {}, onReset: () => this.#settle() });
    context.opens.add(this);
    this.#ready(undefined);
  }

  accepts(): boolean {
    return true;
  }

  build({ relay }: Batch): PlannedOp[] {
    const { host, port, channel, record } = this.#request;
    this.#first ??= channel.take(CLIENT_LIMITS.maxFirstBytes);
    const withData = this.#first !== undefined && !this.#context.peers.of(relay).plainConnect;
    const op: BatchOp = withData
      ? { op: 'connect_data', host, port, d: encodeBase64(this.#first as Uint8Array) }
      : { op: 'connect', host, port };
    return [
      {
        op,
        bytes: withData ? (this.#first as Uint8Array).byteLength : 0,
        sent: () => record.attempt(),
        onStep: (step, atMs) => record.step(step, atMs),
        done: (reply) => this.#done(relay, reply, withData),
        failed: (failure) => this.#failed(relay, failure),
      },
    ];
  }

  /** Fails if the relays disagree about the node, or if every one rests for longer than an application should wait for nothing. */
  checkRelays(): void {
    const { conflict } = this.#context.peers;
    if (conflict !== undefined) this.#fail(conflict);
    const blocked = this.#context.pool.blocked(() => true);
    if (blocked !== undefined && blocked.restMs > CLIENT_LIMITS.openPatienceMs) this.#fail(relayError(blocked.failure));
  }

  #ready(avoid: Relay | undefined): void {
    this.checkRelays();
    if (!this.#settled) this.#context.mux.ready(this, { lane: 'open', key: '', wait: 'none', avoid });
  }

  #done(relay: Relay, reply: TunnelResponse, withData: boolean): void {
    const { channel, record } = this.#request;
    if (withData && isUnsupported(reply)) {
      this.#context.peers.of(relay).plainConnect = true;
      if (!this.#settled) this.#ready(undefined);
      return;
    }
    if (reply.sid === undefined) {
      this.#fail(
        reply.e === undefined && reply.code === undefined
          ? new TunnelError('MESSAGE_INVALID', `${relay.name}: the reply to connect has no sid`)
          : dialError(reply),
      );
      return;
    }
    if (reply.e !== undefined) {
      this.#fail(dialError(reply));
      return;
    }
    if (this.#settled) {
      this.#context.closes.send(closeTarget(this.#context, relay, reply.sid));
      return;
    }
    this.#settle();
    record.succeed();
    this.#context.peers.heardCaps(relay, reply.caps);
    const sequenced = maySequence(reply.caps) && !this.#context.peers.of(relay).serial;
    const stream = new Level1Stream(this.#context, {
      channel,
      record,
      relay,
      sequenced,
      target: closeTarget(this.#context, relay, reply.sid),
      first: withData ? undefined : this.#first,
    });
    channel.markOpened();
    stream.start(reply);
  }

  #failed(relay: Relay, failure: CarrierFailure): void {
    if (this.#settled) return;
    // Sent again, it might dial a second time.
    if (failure.ambiguous || this.#request.record.attempts >= CLIENT_LIMITS.maxOpenAttempts) {
      this.#fail(relayError(failure));
      return;
    }
    if (PERMANENT.has(failure.code) && this.#context.pool.blocked(() => true) !== undefined) {
      this.#fail(relayError(failure));
      return;
    }
    this.#ready(relay);
  }

  #fail(error: TunnelError): void {
    if (this.#settled) return;
    this.#settle();
    this.#request.channel.fail(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#context.opens.delete(this);
    this.#context.mux.forget(this);
  }
}

/** What does not mend itself within the patience of an open. */
const PERMANENT: ReadonlySet<string> = new Set([
  'RELAY_AUTH',
  'RELAY_QUOTA_DAY',
  'RELAY_TLS',
  'RELAY_REDIRECT',
  'RELAY_HTML',
]);

/** How to close what was opened over `relay`. */
export function closeTarget(context: Level1Context, relay: Relay, sid: string): CloseTarget {
  return {
    sid,
    accepts: (other) => context.peers.sameNode(relay, other),
    affinity: () => context.peers.affinity(relay),
  };
}

/** A failure of the way, as an error for the application. */
export function relayError(failure: CarrierFailure): TunnelError {
  return new TunnelError(failure.code, failure.message, { cause: failure.cause });
}
