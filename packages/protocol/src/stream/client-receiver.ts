import { STREAM_CODES } from './codes.js';
import { Budget } from './budget.js';
import { ENTRY_COST_BYTES } from './core.js';
import { StreamEngine } from './engine.js';
import { EpochTracker } from './epoch.js';
import { resolvePathOptions, resolveStreamOptions, type PathOptions, type StreamEngineOptions } from './options.js';
import type { PacketRecord } from './packet-records.js';
import { PacketWindow } from './packet-window.js';
import { payloadBytes, sameBytes, type PacketValue, type SegmentValue } from './packet.js';
import { isUsable } from './path-choice.js';
import { Ranges } from './ranges.js';
import { ReceiveBudget } from './receive-budget.js';
import { EXCHANGE_COST_BYTES, type Exchange } from './exchange.js';
import { RelayPath, type PathGate } from './relay-path.js';
import type { Stream } from './stream.js';
import { UnpairedPath } from './unpaired-path.js';

/** A response with at least this share of what was allowed, or this many bytes, left as soon as the node had it. */
const FULL_SHARE = 0.5;
const FULL_BYTES = 131_072;
/** A path that leads to another node is looked at again after this, ms. */
const FOREIGN_RETRY_MS = 60_000;
/** Another path's word on the epoch counts for this long, ms. */
const SAME_NODE_FOR_MS = 60_000;
/** Longest wait of an ack for something to go with, ms. Below it half a round trip: the peer's timers take it in. */
const MOST_ACK_DELAY_MS = 1000;

/**
 * The half of the client's end that listens: paths, the node's epoch, what answers say, and what failures mean. The
 * half that speaks is `ClientEngine`.
 */
export abstract class ClientReceiver extends StreamEngine {
  protected readonly relays = new Map<string, RelayPath>();
  readonly #epoch = new EpochTracker();
  /** Requests whose answer is not accepted any more and of which the node has not been told. */
  protected readonly lostAnswers: Ranges;
  /** What waited at the node when its newest response left. */
  #moreBytes = 0;
  #moreAt = -1;
  /** Streams that moved more than their floor towards us. */
  protected readonly bulkStreams = new Set<Stream>();
  protected confirmAt: number | undefined;
  /** Number of the newest packet that carried credit. */
  protected creditNumber = -1;

  /** `cid`: 16 random bytes, new for each instance. Throws ProtocolError CONFIG_INVALID, CONFIG_UNKNOWN_KEY. */
  constructor(cid: Uint8Array, options: StreamEngineOptions = {}) {
    const resolved = resolveStreamOptions(options);
    super(cid.slice(), {
      options: resolved,
      receiveBudget: new ReceiveBudget(resolved.receiveBudgetBytes),
      sendBudget: new Budget(resolved.sendBudgetBytes),
      flowBudget: new Budget(resolved.flowBudgetBytes),
    });
    this.lostAnswers = new Ranges(resolved.maxSeenRanges, 'forget');
  }

  /** Adds a relay or an unpaired path; a known id is left as it is. Throws ProtocolError CONFIG_INVALID. */
  addPath(id: string, options: PathOptions): void {
    if (this.relays.has(id) || this.paths.has(id)) return;
    if (this.relays.size + this.paths.size >= this.shares.options.maxPaths) return;
    const resolved = resolvePathOptions(options);
    if (resolved.paired) this.relays.set(id, new RelayPath(id, resolved));
    else {
      const lose = (record: PacketRecord) => this.records.lose(record);
      this.paths.set(id, new UnpairedPath(id, resolved, this.shares.options.ackDelayMs, lose));
    }
  }

  /** Removes a path; what was under way on it is sent again elsewhere. */
  removePath(id: string, now: number): void {
    this.tick(now);
    const relay = this.relays.get(id);
    for (const exchange of relay?.exchanges.values() ?? []) this.giveUp(exchange);
    this.relays.delete(id);
    this.paths.get(id)?.close();
    this.paths.delete(id);
  }

  /** Limits of a relay's account and quota, as they are now. */
  setGate(id: string, gate: PathGate): void {
    const relay = this.relays.get(id);
    if (relay !== undefined) relay.gate = gate;
  }

  /** What a relay bears, worth remembering, ms; undefined for an unknown path. */
  holdMs(id: string): number | undefined {
    return this.relays.get(id)?.hold.currentMs;
  }

  /** Takes a packet of the node. One of another client, or of an instance that is gone, changes nothing. */
  handlePacket(path: string, packet: PacketValue, now: number): void {
    this.tick(now);
    if (!sameBytes(packet.cid, this.cid)) return;
    const relay = this.relays.get(path);
    const exchange = packet.answers === undefined ? undefined : relay?.exchanges.get(packet.answers);
    const record = packet.answers === undefined ? undefined : this.records.get(packet.answers);
    const verdict = this.#epoch.judge(packet, this.nextNumber, this.#othersAgree(relay));
    if (relay !== undefined && exchange !== undefined) this.#answered(relay, exchange, packet);
    if (verdict === 'switch') this.#restart();
    if (verdict === 'foreign') this.#foreign(path, relay);
    if (verdict === 'foreign' || verdict === 'ignore') {
      if (record !== undefined) this.records.lose(record);
      return;
    }
    if (relay !== undefined) {
      relay.sameNodeAt = now;
      relay.foreign = false;
    }
    if (packet.answers !== undefined && packet.n > this.#moreAt && packet.again !== true) {
      this.#moreAt = packet.n;
      // An empty answer: what waits there waits for credit, unless that is on its way.
      if (packet.segments !== undefined) this.#moreBytes = packet.more ?? 0;
      else if (packet.answers >= this.creditNumber) this.#moreBytes = 0;
    }
    this.#take(path, packet, verdict === 'switch', exchange !== undefined);
  }

  /**
   * An exchange failed: refused, reset, truncated, an HTML page, timed out in the carrier. `sent: false` when the request
   * surely never left. What it carried is sent again, over another path where there is one (R3).
   */
  exchangeFailed(path: string, n: number, now: number, options: { sent?: boolean } = {}): void {
    this.tick(now);
    const relay = this.relays.get(path);
    const exchange = relay?.exchanges.get(n);
    if (relay === undefined || exchange === undefined) return;
    relay.failed(exchange, false, now);
    this.records.lose(exchange.record);
    if (options.sent !== false) this.lostAnswers.add(n, n + 1);
  }

  override bytesHeld(): number {
    let bytes = super.bytesHeld() + this.lostAnswers.count * ENTRY_COST_BYTES;
    for (const relay of this.relays.values()) bytes += relay.exchanges.size * EXCHANGE_COST_BYTES;
    return bytes;
  }

  protected override get roundTripMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const path of this.paths.values()) least = Math.min(least, path.rtt.smoothedMs);
    for (const relay of this.relays.values()) if (!relay.foreign) least = Math.min(least, relay.rtt.smoothedMs);
    return Number.isFinite(least) ? least : 1000;
  }

  protected override get shownEpoch(): Uint8Array | undefined {
    return this.#epoch.current;
  }

  protected override streamFor(segment: SegmentValue): Stream | undefined {
    const stream = this.streams.get(segment.sid);
    if (stream === undefined) this.stray(segment, STREAM_CODES.closed);
    return stream;
  }

  protected override onGone(stream: Stream): void {
    // Numbers count up and are never used again, so that nothing of it has to be remembered here.
    this.bulkStreams.delete(stream);
  }

  /** How long what arrived may wait to be acknowledged or confirmed without anything else to send, ms. */
  protected get ackDelayMs(): number {
    return Math.max(this.shares.options.ackDelayMs, Math.min(MOST_ACK_DELAY_MS, this.roundTripMs / 2));
  }

  protected override onConfirmed(record: PacketRecord, wasInFlight: boolean): void {
    super.onConfirmed(record, wasInFlight);
    for (const { from, to } of record.reportedLost) this.lostAnswers.remove(from, to);
  }

  protected override onLost(record: PacketRecord): void {
    super.onLost(record);
    for (const { from, to } of record.reportedLost) this.lostAnswers.add(from, to);
  }

  /** More waits at the node, and has the credit to come, than the exchanges under way will bring. */
  protected get demand(): boolean {
    if (this.#moreBytes === 0) return false;
    let expected = 0;
    for (const relay of this.relays.values()) expected += relay.expectedBytes;
    if (expected >= this.#moreBytes) return false;
    let credit = 0;
    for (const stream of this.bulkStreams) credit += stream.credit.limit - stream.receive.next;
    return expected < credit;
  }

  /** The node has, or will have, at least so much for us. */
  protected expectMore(bytes: number): void {
    this.#moreBytes = Math.max(this.#moreBytes, bytes);
  }

  #answered(relay: RelayPath, exchange: Exchange, packet: PacketValue): void {
    const bytes = payloadBytes(packet);
    const full = exchange.maxBytes > 0 && bytes >= Math.min(FULL_BYTES, exchange.maxBytes * FULL_SHARE);
    relay.answered(exchange, bytes, full, packet.segments === undefined, this.now);
  }

  #take(path: string, packet: PacketValue, restarted: boolean, expected: boolean): void {
    const { answers, segments } = packet;
    if (packet.again === true && answers !== undefined) {
      // The relay sent the request twice and kept the other answer for itself.
      if (expected) this.lostAnswers.add(answers, answers + 1);
      if (!restarted) this.records.confirmRange(answers, answers);
      return;
    }
    this.accept(packet);
    if (answers !== undefined && !restarted) this.records.confirmRange(answers, answers);
    const unpaired = this.paths.get(path);
    for (const each of this.paths.values()) each.onTimeout(this.now);
    if (segments === undefined) return;
    if (unpaired !== undefined) unpaired.owe(this.now);
    else this.confirmAt ??= this.now + this.ackDelayMs + this.shares.options.ackDelayMs;
  }

  protected giveUp(exchange: Exchange): void {
    this.records.lose(exchange.record);
    this.lostAnswers.add(exchange.n, exchange.n + 1);
  }

  /** The node is new, or has forgotten us: what may have been sent is lost, the rest begins under the new epoch (R5). */
  #restart(): void {
    this.records.clear();
    this.#moreBytes = 0;
    this.#moreAt = -1;
    this.window = new PacketWindow(this.shares.options.maxSeenRanges);
    this.lostAnswers.clear();
    this.strays.clear();
    for (const path of this.paths.values()) path.clear();
    for (const relay of this.relays.values()) {
      relay.foreign = false;
      relay.sameNodeAt = undefined;
    }
    this.push({ type: 'restarted' });
    for (const stream of this.streams.values()) {
      if (!stream.sentAnything) continue;
      const whole = stream.receive.complete && stream.sendState === 'finished' && stream.life !== 'resetting';
      if (whole) stream.forgetPeer();
      else {
        if (stream.life === 'live') {
          this.push({
            type: stream.opened === undefined ? 'failed' : 'reset',
            sid: stream.sid,
            code: STREAM_CODES.restarted,
          });
        }
        stream.step('localReset');
        stream.step('confirmed');
      }
      this.touch(stream);
    }
  }

  #foreign(path: string, relay: RelayPath | undefined): void {
    if (relay === undefined) return;
    if (!relay.foreign) this.push({ type: 'differentNode', path, code: STREAM_CODES.differentNodes });
    relay.foreign = true;
    relay.blockUntil(this.now + FOREIGN_RETRY_MS);
  }

  /** `relay` never showed the present epoch, while another one that is in use did. */
  #othersAgree(relay: RelayPath | undefined): boolean {
    if (relay === undefined || relay.sameNodeAt !== undefined) return false;
    return [...this.relays.values()].some(
      (other) =>
        other !== relay && isUsable(other, this.now) && this.now - (other.sameNodeAt ?? -Infinity) < SAME_NODE_FOR_MS,
    );
  }

  /** The unpaired path to use: the quickest that is not suspect. */
  protected unpaired(): UnpairedPath | undefined {
    let best: UnpairedPath | undefined;
    for (const path of this.paths.values()) {
      if (path.suspect) continue;
      if (best === undefined || path.rtt.smoothedMs < best.rtt.smoothedMs) best = path;
    }
    return best;
  }
}
