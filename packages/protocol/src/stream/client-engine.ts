import { ClientReceiver } from './client-receiver.js';
import { STREAM_CODES } from './codes.js';
import { forgive } from './exchange.js';
import { heldPlaces, shortHold } from './held-places.js';
import type { PacketValue, SegmentOpenValue } from './packet.js';
import { choosePath, isUsable } from './path-choice.js';
import { QuickMessages } from './quick.js';
import type { Span } from './ranges.js';
import type { RelayPath } from './relay-path.js';
import { lingerTime, releaseAt } from './release.js';
import { SID_WINDOW } from './sid-window.js';
import { Stream } from './stream.js';
import { earliest, type TimerTable } from './timers.js';
import type { UnpairedPath } from './unpaired-path.js';

/** Hold where the client may have one exchange at a time only, ms: what it has to say waits for the answer. */
const SOLO_HOLD_MS = 500;
/** A request with as many bytes is bulk: it is answered at once, so that acks come and its loss is found. */
const BULK_BYTES = 65_536;
/** A stream that moved so much towards us is expected to bring so many times as much as its last packet brought. */
const BULK_BEGINS_BYTES = 131_072;
const BULK_FACTOR = 8;
/** On a shorter way, ms, it is cheaper to wait until the node says so than to ask for what may not come. */
const FAR_MS = 50;
/** A timer of ours that comes so late, ms, says that this end was busy; and the most that is forgiven for it. */
const LATE_TIMER_MS = 10;
const MOST_GRACE_MS = 1000;
/** Places that held exchanges leave to others. */
const FREE_PLACES = 2;
/** Longest that bulk waits for company in a transfer that lasts, ms: on a short way; while the relay is busy with what was sent before. */
const NEAR_LINGER_MS = 50;
const BUSY_LINGER_MS = 100;
/** Body of an exchange for which the window has no room: urgent, or an ack. */
const BESIDE_BYTES = 32_768;
/** Exchanges at the node while something small was sent of late: the first answer must not leave it without one. */
const READY_EXCHANGES = 2;
const SHORT_MS = 5;

/** A packet to send. With `exchange`, its answer (or failure) is expected under `packet.n`. */
export interface ClientTransmit {
  path: string;
  packet: PacketValue;
  exchange: boolean;
}

/** The client's end: opens streams, over any number of relays and unpaired paths at once. */
export class ClientEngine extends ClientReceiver {
  #nextSid = 0;
  readonly #quick = new QuickMessages();
  /** When content was last sent, and content that has to leave at once. */
  #sentAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  /**
   * Opens a stream (kind 0) or flow (kind 1); bytes may be written at once. Undefined when there are too many, or when
   * the oldest open that the node has not confirmed lies too far back.
   */
  open(target: SegmentOpenValue, now: number): number | undefined {
    this.tick(now);
    if (this.streams.size >= this.shares.options.maxStreams) return undefined;
    for (const stream of this.streams.values()) {
      // Streams are kept in the order of their numbers: the first unconfirmed one is the oldest.
      if (stream.openConfirmed) continue;
      if (this.#nextSid - stream.sid >= SID_WINDOW / 2) return undefined;
      break;
    }
    const stream = new Stream(this.#nextSid++, { ...target }, true, this.shares, this.now);
    this.addStream(stream);
    return stream.sid;
  }

  /** Resets all streams. What `pollTransmit` gives afterwards tells the node. */
  close(now: number): void {
    for (const sid of this.streams.keys()) this.reset(sid, STREAM_CODES.closed, now);
  }

  /** The next packet to send; undefined when there is none now. To be called until then. */
  pollTransmit(now: number): ClientTransmit | undefined {
    this.tick(now);
    return this.#transmitUnpaired() ?? this.#transmitContent() ?? this.#transmitHeld() ?? this.#transmitProbe();
  }

  /** When `handleTimeout` has to be called, if nothing else happens before, ms. */
  pollTimeout(): number | undefined {
    return earliest(this.deadlines());
  }

  /** All deadlines as they are now. */
  deadlines(): TimerTable {
    const { now } = this;
    const table: TimerTable = { ask: this.askAt };
    const least = (name: keyof TimerTable, at: number | undefined) => {
      if (at !== undefined && at < (table[name] ?? Number.POSITIVE_INFINITY)) table[name] = at;
    };
    this.unpairedDeadlines(table, this.#mayUse);
    if (this.liveStreams > 0) for (const path of this.paths.values()) least('keepAlive', path.keepAt);
    const contentAt = this.#contentAt();
    const held = this.#wantsHeld();
    const wants = contentAt !== undefined || held;
    if (contentAt !== undefined && contentAt > now && this.#canExchange(now)) least('release', contentAt);
    for (const relay of this.relays.values()) {
      const blocked = relay.blockedUntil > now;
      for (const { hedgeAt, patienceAt, hedged } of relay.exchanges.values()) {
        if (!hedged && hedgeAt > now) least('hedge', hedgeAt);
        least('patience', patienceAt);
      }
      if (blocked && (wants || this.liveStreams > 0)) least('path', relay.blockedUntil);
      if (held && relay.holdNotBefore > now) least('path', relay.holdNotBefore);
      if (wants && relay.paceAt > now) least('path', relay.paceAt);
      if (this.#mayProbe() && relay.exchanges.size === 0 && relay.probeAt() > now) least('path', relay.probeAt());
    }
    return table;
  }

  /** Does what is due at `now`. */
  handleTimeout(now: number): void {
    // What comes late itself may find answers that wait to be read: it gives them as long again.
    const late = now - (this.pollTimeout() ?? now);
    const grace = late > LATE_TIMER_MS ? Math.min(late, MOST_GRACE_MS) : 0;
    this.tick(now);
    this.askDue(now);
    for (const path of this.paths.values()) path.onTimeout(now);
    for (const relay of this.relays.values()) {
      if (grace > 0) forgive(relay.exchanges.values(), now, grace);
      for (const exchange of relay.exchanges.values()) {
        if (exchange.patienceAt <= now) {
          relay.failed(exchange, true, now);
          this.giveUp(exchange);
          this.push({ type: 'abandoned', path: relay.id, n: exchange.n });
        } else if (exchange.hedgeAt <= now && !exchange.hedged && (exchange.overtaken || this.#elsewhere(relay))) {
          relay.hedge(exchange);
          this.lostAnswers.add(exchange.n, exchange.n + 1);
          this.records.lose(exchange.record);
        }
      }
    }
  }

  #elsewhere(relay: RelayPath): boolean {
    if (this.unpaired() !== undefined || relay.hedgePlace) return true;
    return [...this.relays.values()].some((other) => other !== relay && isUsable(other, this.now));
  }

  /** An unpaired path that probes found silent is used where there is no other way. */
  readonly #mayUse = (path: UnpairedPath): boolean => !path.suspect || this.relays.size === 0;
  readonly #shows = (path: UnpairedPath): boolean => this.liveStreams > 0 && path.keepAt <= this.now;

  #transmitUnpaired(): ClientTransmit | undefined {
    const out = this.buildUnpaired(this.#mayUse, this.#shows);
    if (out === undefined) return undefined;
    if (out.packet.segments !== undefined) this.confirmAt = undefined;
    return { ...out, exchange: false };
  }

  /** When something is worth a request: -Infinity for at once, undefined for not by itself. */
  #contentAt(): number | undefined {
    // Without a stream the node has nothing for us, and need not be told what was lost.
    if (this.lostAnswers.count > 0 && this.streams.size > 0) return Number.NEGATIVE_INFINITY;
    const { lingerMs } = this.shares.options;
    if (this.presses && !this.records.full) return this.#urgentAt(lingerMs);
    if (this.urgent && !this.records.full) return Number.NEGATIVE_INFINITY;
    const { bulkBytes } = this.scheduler;
    let at = Number.POSITIVE_INFINITY;
    if (bulkBytes > 0 && !this.records.full) {
      for (const relay of this.relays.values()) {
        // In a transfer that lasts, or while uploads are under way anyway, what is not a full piece waits for company.
        const waits = relay.uploadBytes > 0 || this.sent.lasts(this.now);
        const maxBytes = relay.requestBytes(false, this.now);
        const near = relay.rtt.minMs < FAR_MS ? NEAR_LINGER_MS : lingerMs;
        const most = relay.isBusy(maxBytes) ? BUSY_LINGER_MS : near;
        const linger = waits ? most : lingerTime(lingerMs, relay.rtt.smoothedMs);
        at = Math.min(at, releaseAt({ urgent: false, bulkBytes, bulkSince: this.bulkSince, maxBytes }, linger) ?? at);
      }
    }
    if (this.scheduler.hasAlong && !this.records.full) at = Math.min(at, this.alongSince + this.ackDelayMs);
    if (this.confirmAt !== undefined) at = Math.min(at, this.confirmAt);
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** At once; where places are scarce, with what comes in the meantime. */
  #urgentAt(lingerMs: number): number {
    let at = Number.POSITIVE_INFINITY;
    for (const relay of this.relays.values()) {
      const scarce = 2 * relay.exchanges.size >= relay.concurrency && relay.concurrency > 1;
      at = Math.min(at, scarce ? this.#sentAt + lingerTime(lingerMs, relay.rtt.smoothedMs) : Number.NEGATIVE_INFINITY);
    }
    return at;
  }

  #canExchange(now: number): boolean {
    return choosePath(this.relays.values(), now, true) !== undefined;
  }

  #transmitContent(): ClientTransmit | undefined {
    const at = this.#contentAt();
    if (at === undefined || at > this.now) return undefined;
    const acks = this.scheduler.hasAlong && this.alongSince + this.ackDelayMs <= this.now;
    const confirms = this.confirmAt !== undefined && this.confirmAt <= this.now;
    const matters = this.presses || this.lostAnswers.count > 0 || acks || confirms;
    const relay = choosePath(this.relays.values(), this.now, matters);
    if (relay === undefined) return undefined;
    const holdMs = this.#contentHold(relay);
    this.#sentAt = this.now;
    const presses = this.presses;
    const out = this.#exchange(relay, holdMs, false);
    const asks = presses && out.packet.segments?.some(({ open, d }) => open !== undefined || d !== undefined) === true;
    if (asks) this.#askedAt = this.now;
    return out;
  }

  /**
   * Another exchange for the node to hold is wanted: one for all idle streams, another one while answers to what was sent
   * of late may come, more while more is waiting (R8).
   */
  #wantsHeld(): boolean {
    if (this.liveStreams === 0 || this.unpaired() !== undefined) return false;
    if (this.demand) return true;
    const { held, places } = heldPlaces(this.relays.values(), this.now);
    // Bulk needs the places, and brings answers all the time.
    if (places <= READY_EXCHANGES && this.scheduler.bulkBytes > 0) return false;
    return held === 0 || (held < READY_EXCHANGES && places > READY_EXCHANGES && this.#awaits());
  }

  /** Answers to what was sent of late are to be expected. */
  #awaits(): boolean {
    // Over a way as short as this the next exchange is there as soon as it is missed.
    for (const { rtt } of this.relays.values()) if (rtt.minMs < SHORT_MS) return false;
    return this.now - this.#askedAt < 2 * this.roundTripMs;
  }

  #transmitHeld(): ClientTransmit | undefined {
    if (!this.#wantsHeld()) return undefined;
    const relay = choosePath(this.relays.values(), this.now, false);
    if (relay === undefined || relay.holdNotBefore > this.now) return undefined;
    // What is held for long leaves bulk to others: its bytes would count as under way until the hold ends.
    const bulk = this.demand || this.scheduler.bulkBytes < BULK_BYTES;
    return this.#exchange(relay, this.#idleHold(relay), false, bulk);
  }

  #mayProbe(): boolean {
    return this.liveStreams > 0 && this.relays.size > 1;
  }

  /** Measures relays that are not used, with requests that carry nothing and allow nothing back (R13). */
  #transmitProbe(): ClientTransmit | undefined {
    if (!this.#mayProbe()) return undefined;
    for (const relay of this.relays.values()) {
      if (relay.concurrency === 0 || relay.blockedUntil > this.now || !relay.wantsProbe(this.now)) continue;
      return this.#exchange(relay, 0, true);
    }
    return undefined;
  }

  /** Hold of an exchange that carries something: the answer of a target in time goes with it. */
  #contentHold(relay: RelayPath): number {
    const holdMs = relay.hold.currentMs;
    // On a short way first bytes are bulk, too: the credit that they earn comes at once.
    const bytes = relay.rtt.minMs < FAR_MS ? this.scheduler.waitingBytes : this.scheduler.bulkBytes;
    if (this.liveStreams === 0 || this.unpaired() !== undefined || bytes >= BULK_BYTES) return 0;
    const { held, places } = heldPlaces(this.relays.values(), this.now);
    if (places <= 1) return Math.min(holdMs, SOLO_HOLD_MS);
    return held + FREE_PLACES >= places ? 0 : shortHold(relay, this.shares.options.contentHoldMs);
  }

  /** Hold of an exchange that carries nothing. */
  #idleHold(relay: RelayPath): number {
    const { held, longestMs, places } = heldPlaces(this.relays.values(), this.now);
    const shortMs = shortHold(relay, this.shares.options.contentHoldMs);
    // On a short way one is held for long at once, so that it need not follow those that are answered soon.
    const isHeld = relay.rtt.minMs < FAR_MS ? longestMs > shortMs : held > 0;
    if (this.demand || isHeld) return shortMs;
    return places <= 1 ? Math.min(relay.hold.currentMs, SOLO_HOLD_MS) : relay.hold.currentMs;
  }

  #exchange(relay: RelayPath, holdMs: number, probe: boolean, bulk = true): ClientTransmit {
    const { options } = this.shares;
    const quick = this.#quick.besideBulk(this.now, this.roundTripMs);
    const demand = !probe && this.demand;
    // Beyond the window only what is small goes along, either way.
    const room = relay.hasWindow(this.now) ? Number.POSITIVE_INFINITY : BESIDE_BYTES;
    const maxBytes = probe ? 0 : Math.min(room, relay.responseBytes(quick, this.now));
    const most = probe ? 0 : options.maxSentRanges;
    const lost: Span[] = Array.from(this.lostAnswers.spans.slice(0, most), ({ from, to }) => ({ from, to }));
    const bare = probe || this.records.full;
    const head = { path: relay.id, holdMs, maxResponseBytes: maxBytes, lost, exchange: true, bare, bulk };
    const { packet, record } = this.build(Math.min(room, relay.requestBytes(quick, this.now)), head);
    for (const { from, to } of lost) this.lostAnswers.remove(from, to);
    if (packet.segments?.some(({ credit }) => credit !== undefined) === true) this.creditNumber = packet.n;
    if (!probe) this.confirmAt = undefined;
    relay.start(record!, holdMs, maxBytes, demand ? maxBytes : 0, options);
    return { path: relay.id, packet, exchange: true };
  }

  protected override onMoved(stream: Stream, bytes: number): void {
    this.#quick.note(stream, bytes, this.now);
    if (!stream.credit.isBulk || stream.life !== 'live') return;
    this.bulkStreams.add(stream);
    // It used up most of its first credit at once: what follows has not shown itself yet, and would cost a round trip.
    const { next } = stream.receive;
    const begins = next >= BULK_BEGINS_BYTES && next < BULK_FACTOR * BULK_BEGINS_BYTES;
    if (begins && this.roundTripMs >= FAR_MS) this.expectMore(BULK_FACTOR * bytes);
  }
}
