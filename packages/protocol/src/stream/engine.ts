import { ENTRY_COST_BYTES, StreamCore } from './core.js';
import { EVENT_COST_BYTES, type StreamEngineEvent } from './events.js';
import type { PacketValue, SegmentDatagramValue } from './packet.js';
import type { Life, ReceiveState, SendState } from './states.js';
import type { TimerTable } from './timers.js';
import type { UnpairedPath } from './unpaired-path.js';

/** One stream at one end, for diagnosis. */
export interface StreamSummary {
  sid: number;
  kind: number;
  life: Life;
  send: SendState;
  receive: ReceiveState;
  /** Client: the node is known to have seen the open. Node: the dial has ended. */
  opened: boolean;
  /** It waits for the peer's word. */
  stuck: boolean;
  unacknowledgedBytes: number;
  waitingBytes: number;
  unreadBytes: number;
}

/**
 * What both ends share: streams, records of own packets, the window of the peer's, and the calls of the application.
 *
 * No clock, no randomness, no I/O. `now` is in ms and must not go back. After any call that takes `now`, and after
 * `read`, poll again: `pollEvent` until it gives undefined, `pollTransmit` until it gives undefined, then `pollTimeout`.
 */
export abstract class StreamEngine extends StreamCore {
  /** What happened, oldest first; undefined when nothing more did. */
  pollEvent(): StreamEngineEvent | undefined {
    return this.events.shift();
  }

  /**
   * Takes bytes to send; gives how many were taken, from the front. Fewer than given: a `writable` event follows when
   * there is room. The engine keeps a view: the bytes must not be changed afterwards. 0 for a stream that is gone.
   * `released` is told once it does not any more, where all were taken and the stream was not reset before.
   */
  write(sid: number, bytes: Uint8Array, now: number, released?: (bytes: Uint8Array) => void): number {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.send.finished || stream.flow !== undefined) return 0;
    const taken = Math.min(bytes.length, stream.roomBytes);
    if (taken === bytes.length) stream.send.write(bytes, released);
    else if (taken > 0) stream.send.write(bytes.subarray(0, taken));
    stream.noteRoom();
    // Callers that asked for `room` first write no more than there was.
    stream.wantsRoom = taken < bytes.length || (stream.wantsRoom && stream.roomBytes === 0);
    this.onMoved(stream, taken);
    this.touch(stream);
    return taken;
  }

  /**
   * How many of `wanted` bytes `write` would take now, for callers that copy what they write. Fewer than wanted: a
   * `writable` event follows when there is room.
   */
  room(sid: number, wanted: number): number {
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.send.finished || stream.flow !== undefined) return 0;
    const room = Math.min(wanted, stream.roomBytes);
    if (room < wanted) {
      stream.wantsRoom = true;
      this.hungry.add(stream);
    }
    return room;
  }

  /** Bytes that `write` would take now. */
  roomBytes(sid: number): number {
    const stream = this.streams.get(sid);
    return stream?.life !== 'live' || stream.send.finished || stream.flow !== undefined ? 0 : stream.roomBytes;
  }

  /** Bytes that were written and that the peer has not acknowledged. */
  unacknowledgedBytes(sid: number): number {
    const stream = this.streams.get(sid);
    return stream?.life === 'live' ? Math.max(0, stream.send.end - stream.send.acked) : 0;
  }

  /** The stream ends after what was written: the half-close. */
  finish(sid: number, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.flow !== undefined) return;
    stream.send.finish();
    this.touch(stream);
  }

  /** Cuts a stream or flow, both directions. The peer hears `code`; no further event of it comes here. */
  reset(sid: number, code: string, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream === undefined) return;
    stream.resetCode = code;
    stream.step('localReset');
    if (stream.isClient && !stream.sentAnything) stream.step('confirmed');
    this.touch(stream);
  }

  /**
   * The next bytes in order, at most `max`, as a view; undefined: none now, a `readable` event follows; null: the
   * peer ended cleanly, all was read. What was read counts as held until `consume`.
   */
  read(sid: number, max = Number.MAX_SAFE_INTEGER): Uint8Array | undefined | null {
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live') return undefined;
    const bytes = stream.receive.read(max);
    if (bytes !== undefined) return bytes;
    stream.toldReadable = false;
    if (!stream.receive.ended) return undefined;
    stream.sawEnd = true;
    this.touch(stream);
    return null;
  }

  /** The application is done with `bytes` more of what it read: the peer may send as much more. */
  consume(sid: number, bytes: number, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream === undefined || (stream.life !== 'live' && stream.life !== 'lingering')) return;
    const before = stream.receive.consumed;
    stream.receive.consume(bytes);
    if (stream.life === 'live') stream.credit.consume(stream.receive.consumed - before, now, this.roundTripMs);
    this.touch(stream);
  }

  /** Queues a datagram of a flow. It may be dropped: the oldest when the queue is full, any when it is too old. */
  sendDatagram(sid: number, datagram: Omit<SegmentDatagramValue, 'n'>, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.flow === undefined) return;
    stream.flow.send(datagram, now);
    this.touch(stream);
  }

  /** The oldest datagram that arrived on a flow. */
  readDatagram(sid: number): SegmentDatagramValue | undefined {
    const incoming = this.streams.get(sid)?.flow?.incoming;
    return incoming?.peek(this.now) === undefined ? undefined : incoming.shift();
  }

  /** Datagrams of a flow that were dropped here, both directions. */
  droppedDatagrams(sid: number): number {
    const flow = this.streams.get(sid)?.flow;
    return flow === undefined ? 0 : flow.outgoing.dropped + flow.incoming.dropped;
  }

  /** Streams as they are now, for diagnosis. */
  inspect(): StreamSummary[] {
    return [...this.streams.values()].map((stream) => ({
      sid: stream.sid,
      kind: stream.target.kind,
      life: stream.life,
      send: stream.sendState,
      receive: stream.receiveState,
      opened: stream.isClient ? stream.openConfirmed : stream.opened !== undefined,
      stuck: stream.stuck,
      unacknowledgedBytes: stream.send.sent - stream.send.acked,
      waitingBytes: Math.max(0, stream.send.end - stream.send.sent),
      unreadBytes: stream.receive.next - stream.receive.consumed,
    }));
  }

  /** Memory that this engine answers for now; `memoryBound` gives the most. */
  bytesHeld(): number {
    let bytes = this.records.heldBytes + this.events.count * EVENT_COST_BYTES;
    bytes += (this.window.rangeCount + this.strays.size + this.stuck.count) * ENTRY_COST_BYTES;
    for (const stream of this.streams.values()) bytes += stream.heldBytes;
    for (const path of this.paths.values()) bytes += path.heldBytes;
    return bytes;
  }

  /** The next packet for an unpaired path: content, or what has to be confirmed. `mayUse` says which take content. */
  protected buildUnpaired(
    mayUse: (path: UnpairedPath) => boolean,
    shows: (path: UnpairedPath) => boolean,
  ): { path: string; packet: PacketValue } | undefined {
    const { now, scheduler } = this;
    if (this.paths.size === 0) return undefined;
    const room = !this.records.full;
    const acks = room && scheduler.hasAlong && this.alongSince + this.shares.options.ackDelayMs <= now;
    const content = room && (scheduler.hasContent || this.strays.size > 0);
    for (const path of this.paths.values()) {
      const { id, options } = path;
      const able = mayUse(path);
      const full = content && able && path.canSend(now);
      const confirms = (path.confirmAt ?? Number.POSITIVE_INFINITY) <= now || shows(path);
      if (!full && !confirms && !(acks && able)) continue;
      // What only has to be confirmed or acknowledged does not wait for the window, and takes no bulk along beyond it.
      const bare = !full && !(able && room && scheduler.hasAlong);
      return { path: id, packet: this.build(options.maxRequestBytes, { path: id, bare, bulk: full }).packet };
    }
    return undefined;
  }

  /** Deadlines of the unpaired paths. */
  protected unpairedDeadlines(table: TimerTable, mayUse: (path: UnpairedPath) => boolean): void {
    if (this.paths.size === 0) return;
    const acksAt =
      this.scheduler.hasAlong && !this.records.full ? this.alongSince + this.shares.options.ackDelayMs : undefined;
    const { now, scheduler } = this;
    let loss = Number.POSITIVE_INFINITY;
    let confirm = Number.POSITIVE_INFINITY;
    let pace = Number.POSITIVE_INFINITY;
    for (const path of this.paths.values()) {
      loss = Math.min(loss, path.lossAt ?? loss);
      confirm = Math.min(confirm, path.confirmAt ?? confirm);
      if (!mayUse(path)) continue;
      if (acksAt !== undefined) confirm = Math.min(confirm, acksAt);
      if (scheduler.hasContent) pace = Math.min(pace, path.pacedUntil(now) ?? pace);
    }
    if (loss < Number.POSITIVE_INFINITY) table.loss = loss;
    if (confirm < Number.POSITIVE_INFINITY) table.confirm = confirm;
    if (pace < Number.POSITIVE_INFINITY) table.pace = pace;
  }
}
