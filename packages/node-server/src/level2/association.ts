import { type AbortLike, ERROR_CODES, type ErrorCode } from '@millrace/protocol';
import { encodeBody, type BodyBuffers, type PacketValue } from '@millrace/protocol/level2';
import type { NodeEngine, NodeTransmit, StreamEngineEvent } from '@millrace/protocol/stream';
import type { Answer } from '../carriers/exchanger.js';
import { NodeError } from '../errors.js';
import type { Answers } from './answers.js';
import { Exchange } from './exchange.js';
import type { Link, Traffic } from './link.js';
import { Opened, type OpenContext } from './opened.js';
import type { ViewedBodies } from './viewed-bodies.js';

/** What an {@link Association} uses of the node. */
export interface AssociationOptions extends OpenContext {
  answers: Answers;
  viewed: ViewedBodies;
  buffers: BodyBuffers;
  /** A number for an exchange that no other of this node had. */
  nextExchange: () => number;
  /** Driving the engine failed: the client is to be forgotten. */
  faulty: (engine: NodeEngine, error: unknown) => void;
}

/**
 * One client: drives its engine. Whatever happens calls {@link wake}; once in a turn of the event loop events are handled,
 * answers are made and the one timer is set.
 */
export class Association {
  readonly engine: NodeEngine;
  readonly #id: number;
  readonly #since: number;
  readonly #traffic: Traffic = { up: 0, down: 0 };
  readonly #options: AssociationOptions;
  readonly #opened = new Map<number, Opened>();
  /** Streams whose targets have failed and whose last bytes are still on their way. */
  readonly #failing = new Map<number, { settle: () => void }>();
  readonly #exchanges = new Map<number, Exchange>();
  /** Bytes of its answers that have not left. */
  #answerBytes = 0;
  #woken = false;
  #draining = false;
  #timer: { at: number; cancel: () => void } | undefined;
  #closed = false;
  /** Hears of the next answer that has left. */
  #onLeft: (() => void) | undefined;

  constructor(id: number, engine: NodeEngine, options: AssociationOptions) {
    this.#id = id;
    this.engine = engine;
    this.#options = options;
    this.#since = options.clock.now();
    options.events.emit({ event: 'client-known', client: id });
  }

  /** Exchanges whose answer is owed. */
  get exchanges(): number {
    return this.#exchanges.size;
  }

  /** Streams and flows, those being opened included. */
  get channels(): Iterable<Opened> {
    return this.#opened.values();
  }

  /** Takes a request; the answer comes when the engine has one. Rejects with `ABORTED` when nobody waits any more. */
  exchange(packet: PacketValue, text: boolean, signal: AbortLike, memory?: Uint8Array): Promise<Answer> {
    const exchange = new Exchange(this.#options.nextExchange(), text, this.#now(), signal, this.#onExchangeGone);
    this.#exchanges.set(exchange.id, exchange);
    const { viewed } = this.#options;
    if (memory !== undefined) viewed.next(this.engine, memory);
    this.engine.handleExchange(exchange.id, packet, exchange.since);
    // At once: what targets have not taken when the next request comes is copied.
    this.#guarded(this.#handleEvents);
    viewed.trim();
    this.wake();
    return exchange.answer;
  }

  /** Something happened: the engine is asked soon, once for all that happens in this turn. */
  readonly wake = (): void => {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    setImmediate(this.#run);
  };

  /** From now on no answer is held for a client that has no streams. */
  drain(): void {
    this.#draining = true;
    this.wake();
  }

  /** Cuts every stream and flow. Resolves when an answer that tells of it has left; at once when there was none. */
  cutAll(): Promise<void> {
    if (this.#opened.size === 0) return Promise.resolve();
    for (const [sid, opened] of this.#opened) {
      this.#opened.delete(sid);
      opened.end('STREAM_CLOSED');
      this.engine.reset(sid, 'STREAM_CLOSED', this.#now());
    }
    this.wake();
    return new Promise((resolve) => {
      this.#onLeft = resolve;
    });
  }

  /** The engine was closed: what it still has to tell is done, then nothing any more. */
  close(): void {
    const streams = this.#opened.size;
    this.#run();
    this.#closed = true;
    this.#timer?.cancel();
    this.#options.viewed.forget(this.engine);
    this.#options.answers.forget(this.wake);
    for (const exchange of this.#exchanges.values())
      exchange.fail(new NodeError('ABORTED', 'the client was forgotten'));
    this.#exchanges.clear();
    for (const [sid, opened] of this.#opened) {
      this.#opened.delete(sid);
      opened.end('CLIENT_GONE');
    }
    const { events } = this.#options;
    events.emit({ event: 'client-forgotten', client: this.#id, streams, ms: this.#now() - this.#since });
  }

  readonly #run = (): void => {
    this.#woken = false;
    if (!this.#closed) this.#guarded(this.#drive);
  };

  /** Does something with the engine. Should that throw, it is a bug, and must not cost other clients anything. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.faulty(this.engine, error);
    }
  }

  readonly #drive = (): void => {
    const now = this.#now();
    const due = this.engine.pollTimeout();
    if (due !== undefined && due <= now) this.engine.handleTimeout(now);
    this.#handleEvents();
    for (const channel of this.#failing.values()) channel.settle();
    if (this.#draining && this.engine.liveStreams === 0) this.engine.releaseHeld(now);
    this.#setTimer(this.#transmit(now));
  };

  readonly #handleEvents = (): void => {
    for (let event = this.engine.pollEvent(); event !== undefined; event = this.engine.pollEvent()) this.#on(event);
  };

  #on(event: StreamEngineEvent): void {
    switch (event.type) {
      case 'open':
        return this.#open(event);
      case 'readable':
        return this.#opened.get(event.sid)?.sendUp();
      case 'datagrams':
        return this.#opened.get(event.sid)?.sendUp();
      case 'writable':
        return this.#opened.get(event.sid)?.sendDown();
      case 'closed':
        return this.#take(event.sid)?.close();
      case 'reset':
        return this.#take(event.sid)?.end(knownCode(event.code));
    }
  }

  #open({ sid, ...target }: Extract<StreamEngineEvent, { type: 'open' }>): void {
    const { engine, wake } = this;
    const { clock, limits } = this.#options;
    const failed = (code: ErrorCode): void => {
      const opened = this.#take(sid);
      // The engine knows already, and said so first.
      if (opened === undefined) return;
      engine.reset(sid, code, clock.now());
      opened.end(code);
      wake();
    };
    const failing: Link['failing'] = (channel) => {
      this.#failing.set(sid, channel);
      wake();
    };
    const opened = new Opened(this.#options, {
      engine,
      sid,
      clock,
      limits,
      traffic: this.#traffic,
      wake,
      failing,
      failed,
    });
    this.#opened.set(sid, opened);
    const dialed = (code: ErrorCode | ''): void => {
      if (code !== '') this.#take(sid);
      engine.dialed(sid, { code }, clock.now());
      opened.sendUp();
      wake();
    };
    opened
      .open(target)
      .then(dialed)
      .catch((error: unknown) => this.#options.faulty(engine, error));
  }

  #take(sid: number): Opened | undefined {
    const opened = this.#opened.get(sid);
    this.#failing.delete(sid);
    this.#opened.delete(sid);
    return opened;
  }

  /** Makes all answers that are due. False when answers that have not left yet are in the way. */
  #transmit(now: number): boolean {
    const { answers } = this.#options;
    while (answers.admits(this.#answerBytes)) {
      const transmit = this.engine.pollTransmit(now);
      if (transmit === undefined) return true;
      this.#answer(transmit);
    }
    answers.whenLeft(this.wake);
    return false;
  }

  #answer(transmit: NodeTransmit): void {
    const exchange = 'exchange' in transmit ? this.#exchanges.get(transmit.exchange) : undefined;
    if (exchange === undefined) return;
    this.#exchanges.delete(exchange.id);
    const { text, since } = exchange;
    const { answers, buffers, events } = this.#options;
    const onLeft = this.#onLeft;
    const body = encodeBody(transmit.packet, { text, buffers });
    const { up: bytesUp, down: bytesDown } = this.#traffic;
    this.#traffic.up = this.#traffic.down = 0;
    const bodyBytes = body.length;
    events.emit({ event: 'answered', client: this.#id, bytesUp, bytesDown, bodyBytes, ms: this.#now() - since });
    answers.take(body.length);
    this.#answerBytes += body.length;
    exchange.settle({
      body,
      contentType: text ? 'text/plain' : 'application/octet-stream',
      finished: (delivered) => {
        if (delivered) onLeft?.();
        // What was not delivered may still be with the system.
        if (delivered) buffers.give(body);
        this.#answerBytes -= body.length;
        answers.give(body.length);
      },
    });
  }

  readonly #onExchangeGone = (id: number): void => {
    if (!this.#exchanges.delete(id)) return;
    this.engine.exchangeGone(id, this.#now());
    this.wake();
  };

  /** Sets the timer. One that is set already and comes sooner stays: it looks again. None while answers are in the way. */
  #setTimer(wanted: boolean): void {
    const at = wanted ? this.engine.pollTimeout() : undefined;
    if (at === undefined || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = this.#options.clock.after(Math.max(0, at - this.#now()), () => {
      this.#timer = undefined;
      this.#run();
    });
    this.#timer = { at, cancel };
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

/** Codes of resets are the client's words: what is none of ours is told as a plain close. */
function knownCode(code: string): ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'STREAM_CLOSED';
}
