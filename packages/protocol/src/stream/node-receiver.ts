import { STREAM_CODES } from './codes.js';
import { Deadlines } from './deadlines.js';
import { StreamEngine } from './engine.js';
import { isNamedOnly } from './epoch.js';
import { resolvePathOptions, type PathOptions } from './options.js';
import type { PacketRecord } from './packet-records.js';
import { sameBytes, type PacketValue, type SegmentOpenedValue, type SegmentValue } from './packet.js';
import { Ranges } from './ranges.js';
import { RoundTrip } from './rtt.js';
import { SidWindow } from './sid-window.js';
import { Stream, type StreamShares } from './stream.js';
import { UnpairedPath } from './unpaired-path.js';

/** Responses smaller than this carry nothing but numbers. */
export const LEAST_RESPONSE_BYTES = 1024;
/** Round trip assumed before a response was confirmed, ms. */
const INITIAL_RTT_MS = 1000;
/** Least wait for a response's confirmation, ms: the client's next request may take its time. */
const LEAST_RESPONSE_WAIT_MS = 500;
/** Factor on that wait after confirmations that came late, at most. */
export const MOST_WAIT_FACTOR = 16;
/** Dials that are looked at when results are gathered; with more it makes no difference. */
const MOST_DIALING = 64;
/** A hold is never longer than this, whatever the client asks, ms. */
const MOST_HOLD_MS = 600_000;

/** An answer to exchange `exchange`, or a packet for an unpaired path. */
export type NodeTransmit = { exchange: number; packet: PacketValue } | { path: string; packet: PacketValue };

/** A request that is not answered yet. */
export interface Held {
  readonly exchange: number;
  readonly n: number;
  readonly until: number;
  readonly maxBytes: number;
}

/**
 * The half of the node's end that listens: requests, dials, and what the client says of answers. The half that speaks is
 * `NodeEngine`.
 */
export abstract class NodeReceiver extends StreamEngine {
  readonly epoch: Uint8Array;
  protected readonly rtt = new RoundTrip(INITIAL_RTT_MS);
  protected readonly sids = new SidWindow();
  protected readonly held: Held[] = [];
  /** Answers that leave at once and carry nothing. */
  protected readonly bare: NodeTransmit[] = [];
  /** Requests whose answer the client does not accept any more. */
  protected readonly refused: Ranges;
  protected readonly unconfirmed = new Deadlines<PacketRecord>();
  protected waitFactor = 1;
  protected answeredAt = Number.NEGATIVE_INFINITY;
  /** Dials under way that began of late, and when. */
  protected readonly dialing = new Map<number, number>();
  #heardAt: number;
  #closed = false;

  /** `epoch`: from `makeEpoch`. Made by `AssociationTable`, which also shares budgets among associations. */
  constructor(cid: Uint8Array, epoch: Uint8Array, shares: StreamShares, now: number) {
    super(cid.slice(), shares);
    this.epoch = epoch;
    this.refused = new Ranges(shares.options.maxSeenRanges, 'forget');
    this.#heardAt = now;
  }

  /** When the client was last heard of, ms. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Adds an unpaired path. Throws ProtocolError CONFIG_INVALID. */
  addPath(id: string, options: Omit<PathOptions, 'paired'>): void {
    if (this.paths.has(id) || this.paths.size >= this.shares.options.maxPaths) return;
    const resolved = resolvePathOptions({ ...options, paired: false });
    const lose = (record: PacketRecord) => this.records.lose(record);
    this.paths.set(id, new UnpairedPath(id, resolved, this.shares.options.ackDelayMs, lose));
  }

  /** Removes an unpaired path; what was in flight on it is sent again elsewhere. */
  removePath(id: string, now: number): void {
    this.tick(now);
    this.paths.get(id)?.close();
    this.paths.delete(id);
  }

  /**
   * Takes a request. `exchange`: the caller's number for the response that is owed, never used twice; `pollTransmit` gives
   * the response, now or later. The same request may come any number of times; each gets a response.
   */
  handleExchange(exchange: number, packet: PacketValue, now: number): void {
    this.tick(now);
    if (!this.#admit(packet, { exchange })) return;
    const repeated = this.window.has(packet.n);
    this.#heedLost(packet);
    if (repeated) {
      this.#answerBare(exchange, packet.n, true);
      return;
    }
    this.accept(packet);
    if (this.refused.has(packet.n)) {
      this.#answerBare(exchange, packet.n, false);
      return;
    }
    const until = now + Math.min(packet.hold ?? 0, MOST_HOLD_MS);
    const held = { exchange, n: packet.n, until, maxBytes: packet.max ?? LEAST_RESPONSE_BYTES };
    let index = this.held.length;
    while (index > 0 && this.held[index - 1]!.until > until) index--;
    this.held.splice(index, 0, held);
    if (this.held.length > this.shares.options.maxHeldExchanges) this.#answer(this.held.shift()!, true);
    for (const path of this.paths.values()) path.onTimeout(now);
  }

  /** Takes a packet of an unpaired path that was added before. */
  handlePacket(path: string, packet: PacketValue, now: number): void {
    this.tick(now);
    if (!this.#admit(packet, { path })) return;
    this.accept(packet);
    for (const each of this.paths.values()) each.onTimeout(now);
    if (packet.segments !== undefined) this.paths.get(path)?.owe(now);
  }

  /** Nobody waits for the response to `exchange` any more. */
  exchangeGone(exchange: number, now: number): void {
    this.tick(now);
    const index = this.held.findIndex((held) => held.exchange === exchange);
    if (index >= 0) this.held.splice(index, 1);
  }

  /** All held exchanges are answered now, with what there is. The next ones may be held again. */
  releaseHeld(now: number): void {
    this.tick(now);
    for (const held of this.held.splice(0)) this.held.push({ ...held, until: now });
  }

  /** The result of the dial that an `open` event asked for. An empty code is success. */
  dialed(sid: number, result: SegmentOpenedValue, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    this.dialing.delete(sid);
    if (stream?.life !== 'live' || stream.opened !== undefined) return;
    stream.opened = { ...result };
    stream.needsOpened = true;
    if (result.code !== '') stream.step('dialFailed');
    else stream.credit.dialed(now);
    this.touch(stream);
  }

  /** The client is gone: everything is cut. `pollEvent` tells of each stream. */
  close(now: number): void {
    this.tick(now);
    if (this.#closed) return;
    this.#closed = true;
    this.records.clear();
    this.unconfirmed.clear();
    for (const stream of this.streams.values()) {
      if (stream.life === 'live') this.push({ type: 'reset', sid: stream.sid, code: STREAM_CODES.vanished });
      stream.step('localReset');
      stream.step('confirmed');
      this.touch(stream);
    }
    for (const held of this.held.splice(0)) this.#answer(held, true);
  }

  protected override get roundTripMs(): number {
    let least = this.rtt.smoothedMs;
    for (const path of this.paths.values()) if (path.rtt.measured) least = Math.min(least, path.rtt.smoothedMs);
    return least;
  }

  protected override get shownEpoch(): Uint8Array {
    return this.epoch;
  }

  protected override streamFor(segment: SegmentValue): Stream | undefined {
    const { sid, open } = segment;
    const known = this.streams.get(sid);
    if (known !== undefined) return known;
    if (segment.rst !== undefined) this.sids.kill(sid);
    else if (this.sids.isDead(sid) || open === undefined) this.stray(segment, STREAM_CODES.unknown);
    else if (this.streams.size >= this.shares.options.maxStreams || this.#closed)
      this.stray(segment, STREAM_CODES.busy);
    else {
      this.sids.see(sid);
      if (this.dialing.size < MOST_DIALING) this.dialing.set(sid, this.now);
      const stream = new Stream(sid, open, false, this.shares, this.now);
      this.addStream(stream);
      this.push({ type: 'open', sid, host: open.host, port: open.port, kind: open.kind });
      return stream;
    }
    return undefined;
  }

  protected override onGone(stream: Stream): void {
    this.dialing.delete(stream.sid);
    this.sids.kill(stream.sid);
  }

  protected override onMoved(): void {
    // What small messages mean for the size of bodies is the client's to decide.
  }

  protected override onConfirmed(record: PacketRecord, wasInFlight: boolean): void {
    super.onConfirmed(record, wasInFlight);
    if (record.answers === undefined) return;
    this.unconfirmed.delete(record);
    if (wasInFlight) {
      this.rtt.add(this.now - record.sentAt, this.now);
      this.waitFactor = Math.max(1, this.waitFactor * 0.9);
    } else this.waitFactor = Math.min(MOST_WAIT_FACTOR, this.waitFactor * 2);
  }

  protected override onLost(record: PacketRecord): void {
    super.onLost(record);
    this.unconfirmed.delete(record);
  }

  /** Whether a packet is of this client and meant for this instance; else it gets the right epoch and nothing is done. */
  #admit(packet: PacketValue, from: { exchange: number } | { path: string }): boolean {
    if (!sameBytes(packet.cid, this.cid) || this.#closed) return false;
    this.#heardAt = this.now;
    const meant = packet.epoch === undefined ? !isNamedOnly(this.epoch) : sameBytes(packet.epoch, this.epoch);
    if (meant) return true;
    const { packet: refusal } = this.build(LEAST_RESPONSE_BYTES, { answers: packet.n, bare: true });
    delete refusal.got;
    this.bare.push({ ...from, packet: refusal });
    return false;
  }

  /** Requests that the client gave up: what their answers carried is sent again, held ones are answered with nothing. */
  #heedLost(packet: PacketValue): void {
    if (packet.lost === undefined) return;
    for (const { from, to } of packet.lost) this.refused.add(from, to + 1);
    for (const record of this.records.pending()) {
      if (record.answers !== undefined && this.refused.has(record.answers)) this.records.lose(record);
    }
    for (const held of this.held.filter(({ n }) => this.refused.has(n))) {
      this.held.splice(this.held.indexOf(held), 1);
      this.#answerBare(held.exchange, held.n, false);
    }
  }

  #answerBare(exchange: number, n: number, again: boolean): void {
    const { packet } = this.build(LEAST_RESPONSE_BYTES, { answers: n, bare: true });
    if (again) packet.again = true;
    this.bare.push({ exchange, packet });
  }

  #answer(held: Held, bare: boolean): void {
    this.bare.push(this.response(held, bare));
  }

  /** An answer for a held exchange, with what there is. */
  protected response(held: Held, bare: boolean): NodeTransmit {
    const head = { answers: held.n, bare: bare || this.records.full || held.maxBytes < LEAST_RESPONSE_BYTES };
    const { packet, record } = this.build(Math.max(held.maxBytes, LEAST_RESPONSE_BYTES), head);
    const more = this.waitingBytes;
    if (more > 0) packet.more = more;
    this.answeredAt = this.now;
    if (record !== undefined) {
      const wait = Math.max(LEAST_RESPONSE_WAIT_MS, 2 * this.rtt.lateMs) * this.waitFactor;
      this.unconfirmed.set(record, this.now + wait + 4 * this.shares.options.ackDelayMs);
    }
    return { exchange: held.exchange, packet };
  }
}
