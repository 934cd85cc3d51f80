import { ClientReceiver } from './client-receiver.js';
import { STREAM_CODES } from './codes.js';
import type { PacketValue, SegmentOpenValue } from './packet.js';
import { choosePath, isUsable } from './path-choice.js';
import type { Span } from './ranges.js';
import type { RelayPath } from './relay-path.js';
import { lingerTime, releaseAt } from './release.js';
import { SID_WINDOW } from './sid-window.js';
import { Stream } from './stream.js';
import { earliest, type TimerTable } from './timers.js';

/** Hold where the client may have one exchange at a time only, ms: what it has to say waits for the answer. */
const SOLO_HOLD_MS = 500;
/** Least hold of the further exchanges of a download, ms. */
const LEAST_DEMAND_HOLD_MS = 100;

/** A packet to send. With `exchange`, its answer (or failure) is expected under `packet.n`. */
export interface ClientTransmit {
  path: string;
  packet: PacketValue;
  exchange: boolean;
}

/** The client's end: opens streams, over any number of relays and unpaired paths at once. */
export class ClientEngine extends ClientReceiver {
  #nextSid = 0;

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
    const stream = new Stream(this.#nextSid++, { ...target }, true, this.shares);
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
    for (const path of this.paths.values()) {
      least('loss', path.lossAt);
      least('confirm', path.confirmAt);
      if (this.liveStreams > 0) least('keepAlive', path.keepAt);
    }
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
      if (this.#mayProbe() && relay.exchanges.size === 0 && relay.probeAt() > now) least('path', relay.probeAt());
    }
    return table;
  }

  /** Does what is due at `now`. */
  handleTimeout(now: number): void {
    this.tick(now);
    this.askDue(now);
    for (const path of this.paths.values()) path.onTimeout(now);
    for (const relay of this.relays.values()) {
      for (const exchange of relay.exchanges.values()) {
        if (exchange.patienceAt <= now) {
          relay.failed(exchange, true, now);
          this.giveUp(exchange);
          this.push({ type: 'abandoned', path: relay.id, n: exchange.n });
        } else if (exchange.hedgeAt <= now && !exchange.hedged && this.#elsewhere(relay)) {
          exchange.hedged = true;
          this.records.lose(exchange.record);
        }
      }
    }
  }

  #elsewhere(relay: RelayPath): boolean {
    if (this.unpaired() !== undefined) return true;
    return [...this.relays.values()].some((other) => other !== relay && isUsable(other, this.now));
  }

  #transmitUnpaired(): ClientTransmit | undefined {
    const { now } = this;
    const content = (this.urgent || this.scheduler.hasAny) && !this.records.full;
    for (const path of this.paths.values()) {
      const bulkOnly = path.suspect && this.relays.size > 0;
      if (content && !bulkOnly && path.canSend()) {
        const { packet } = this.build(path.options.maxRequestBytes, { path: path.id });
        this.confirmAt = undefined;
        return { path: path.id, packet, exchange: false };
      }
      const shows = this.liveStreams > 0 && path.keepAt <= now;
      if (shows || (path.confirmAt !== undefined && path.confirmAt <= now)) {
        const { packet } = this.build(path.options.maxRequestBytes, { path: path.id, bare: true });
        return { path: path.id, packet, exchange: false };
      }
    }
    return undefined;
  }

  /** When something is worth a request: -Infinity for at once, undefined for not by itself. */
  #contentAt(): number | undefined {
    // Without a stream the node has nothing for us, and need not be told what was lost.
    if (this.lostAnswers.count > 0 && this.streams.size > 0) return Number.NEGATIVE_INFINITY;
    if (this.urgent && !this.records.full) return Number.NEGATIVE_INFINITY;
    const { lingerMs, ackDelayMs } = this.shares.options;
    const { bulkBytes } = this.scheduler;
    let at = Number.POSITIVE_INFINITY;
    if (bulkBytes > 0 && !this.records.full) {
      for (const relay of this.relays.values()) {
        const linger = lingerTime(lingerMs, relay.rtt.smoothedMs);
        const maxBytes = relay.options.maxRequestBytes;
        at = Math.min(at, releaseAt({ urgent: false, bulkBytes, bulkSince: this.bulkSince, maxBytes }, linger) ?? at);
      }
    }
    if (this.scheduler.hasAlong && !this.records.full) at = Math.min(at, this.alongSince + ackDelayMs);
    if (this.confirmAt !== undefined) at = Math.min(at, this.confirmAt);
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  #canExchange(now: number): boolean {
    return choosePath(this.relays.values(), now, true) !== undefined;
  }

  #transmitContent(): ClientTransmit | undefined {
    const at = this.#contentAt();
    if (at === undefined || at > this.now) return undefined;
    const matters =
      this.urgent || this.lostAnswers.count > 0 || this.scheduler.hasAlong || this.confirmAt !== undefined;
    const relay = choosePath(this.relays.values(), this.now, matters);
    return relay === undefined ? undefined : this.#exchange(relay, this.#holdFor(relay, true), false);
  }

  /** Another exchange for the node to hold is wanted: one for all idle streams, more while more is waiting (R8). */
  #wantsHeld(): boolean {
    if (this.liveStreams === 0 || this.unpaired() !== undefined) return false;
    let held = 0;
    for (const relay of this.relays.values()) held += relay.held;
    return held === 0 || this.demand;
  }

  #transmitHeld(): ClientTransmit | undefined {
    if (!this.#wantsHeld()) return undefined;
    const relay = choosePath(this.relays.values(), this.now, false);
    if (relay === undefined || relay.holdNotBefore > this.now) return undefined;
    return this.#exchange(relay, this.#holdFor(relay, false), false);
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

  #holdFor(relay: RelayPath, content: boolean): number {
    const holdMs = relay.hold.currentMs;
    if (this.liveStreams === 0 || this.unpaired() !== undefined) return 0;
    if (this.demand) return Math.floor(Math.min(holdMs, Math.max(LEAST_DEMAND_HOLD_MS, 2 * relay.rtt.smoothedMs)));
    let held = 0;
    let places = 0;
    for (const each of this.relays.values()) {
      held += each.held;
      if (isUsable(each, this.now)) places += each.concurrency;
    }
    if (held > 0) return 0;
    if (places <= 1) return Math.min(holdMs, SOLO_HOLD_MS);
    return content ? Math.min(holdMs, this.shares.options.contentHoldMs) : holdMs;
  }

  #exchange(relay: RelayPath, holdMs: number, probe: boolean): ClientTransmit {
    const { options } = this.shares;
    const maxBytes = probe ? 0 : relay.options.maxResponseBytes;
    const most = probe ? 0 : options.maxSentRanges;
    const lost: Span[] = Array.from(this.lostAnswers.spans.slice(0, most), ({ from, to }) => ({ from, to }));
    const bare = probe || this.records.full;
    const head = { path: relay.id, holdMs, maxResponseBytes: maxBytes, lost, exchange: true, bare };
    const { packet, record } = this.build(relay.options.maxRequestBytes, head);
    for (const { from, to } of lost) this.lostAnswers.remove(from, to);
    if (!probe) this.confirmAt = undefined;
    relay.start(record!, holdMs, maxBytes, this.demand ? maxBytes : 0, options);
    return { path: relay.id, packet, exchange: true };
  }
}
