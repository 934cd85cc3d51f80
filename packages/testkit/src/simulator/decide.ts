import { Random } from '../random.js';
import type { DelayDraw } from './delay.js';
import { FAULT_NAMES, type ResolvedSettings } from './options.js';
import type { FaultOdds, RefusalWindow } from './types.js';

/** What shall become of one request, drawn when its head arrives. */
export interface Decision {
  /** Counts from 0. */
  readonly index: number;
  /** Why it is refused. */
  readonly window: RefusalWindow | undefined;
  readonly fault: keyof FaultOdds | undefined;
  readonly delays: {
    readonly clientUp: DelayDraw;
    readonly nodeUp: DelayDraw;
    readonly nodeDown: DelayDraw;
    readonly clientDown: DelayDraw;
  };
  /** Of each redirect: up and down. */
  readonly redirectDelays: ReadonlyArray<readonly [DelayDraw, DelayDraw]>;
  /** Of `responseTruncated`: share of the body that is sent, 0 up to but without 1. */
  readonly keep: number;
  /** Of `late`: which way, and by how much. */
  readonly late: { readonly at: 'request' | 'response'; readonly ms: number };
  /** Of `doubled`: how much later the second one is sent, 0 for at once, and whose answer is handed back. */
  readonly double: { readonly gapMs: number; readonly answer: 'first' | 'second' };
  /** Of `reordered`: how many later requests it lets pass. */
  readonly lets: number;
}

const MOST_LET_PASS = 4;

/** Decides about each request in turn: equal settings and equal order give equal decisions. */
export class Decider {
  readonly #settings: ResolvedSettings;
  readonly #random: Random;
  #requests = 0;

  constructor(settings: ResolvedSettings) {
    this.#settings = settings;
    this.#random = new Random(settings.seed);
  }

  /** @param nowMs since the start */
  next(nowMs: number): Decision {
    const { faults, windows, lateMs, doubledGapMs, redirects } = this.#settings;
    const index = this.#requests++;
    // A generator of its own, so that what is drawn for one does not depend on how much the others needed.
    const random = new Random(this.#random.int(0, 0xffff_ffff));
    const draw = (): DelayDraw => [random.next(), random.next()];
    return {
      index,
      fault: pick(faults, random.next()),
      window: windows.find((window) => covers(window, index, nowMs)),
      delays: { clientUp: draw(), nodeUp: draw(), nodeDown: draw(), clientDown: draw() },
      keep: random.next(),
      late: { at: random.next() < 0.5 ? 'request' : 'response', ms: random.between(...lateMs) },
      double: {
        gapMs: random.next() < 0.5 ? 0 : random.between(...doubledGapMs),
        answer: random.next() < 0.5 ? 'first' : 'second',
      },
      lets: random.int(1, MOST_LET_PASS),
      redirectDelays: Array.from({ length: redirects }, () => [draw(), draw()] as const),
    };
  }
}

function pick(odds: Required<FaultOdds>, chance: number): keyof FaultOdds | undefined {
  let sum = 0;
  return FAULT_NAMES.find((name) => {
    sum += odds[name];
    return chance < sum;
  });
}

function covers(window: RefusalWindow, index: number, nowMs: number): boolean {
  return 'fromMs' in window
    ? nowMs >= window.fromMs && nowMs < window.toMs
    : index >= window.fromRequest && index < window.toRequest;
}
