import { setTimeout as delay } from 'node:timers/promises';
import type { BenchFigures } from '@millrace/protocol';
import { measured, stopAll } from '../bed/types.js';
import type { Child } from '../process/child.js';
import { nowMs } from '../process/clock.js';
import type { Asked, AskPlan, FramePlan, FramesSent, FramesTaken, SessionEndVerbs } from '../workers/session-end.js';
import { startMeter } from '../run/meter.js';
import type { UdpLink } from './udp-link.js';

/** What stands before a UDP payload on the wire: IPv4 and UDP. */
const HEADER_BYTES = 28;
/** Frames that have not come so long after the deadline of the last one are lost. */
const SETTLE_MS = 500;
const ASK_MS = 10;
/** Longest time that a call may take: what is sent takes a minute. */
const CALL_MS = 180_000;

/** Options of both ends of a session. */
export interface SessionSetUp {
  parityCeiling?: number;
}

/** Frames of one session, as both ends saw them. */
export interface FramesMeasured {
  sent: FramesSent;
  taken: FramesTaken;
  problems: string[];
}

/** What a run cost: all figures of the processes, and of the wire. */
type Cost = (payloadBytes: number) => Promise<BenchFigures>;

/** Two processes over a link: the far one waits for sessions, and the near one calls it. */
export class SessionPair {
  readonly #link: UdpLink;
  readonly #far: Child<SessionEndVerbs>;
  readonly #near: Child<SessionEndVerbs>;
  /** Where the far end waits for sessions of each set-up. */
  readonly #doors = new Map<string, Promise<{ host: string; port: number }>>();
  #seed = 0;
  #sessions = 0;

  private constructor(link: UdpLink, far: Child<SessionEndVerbs>, near: Child<SessionEndVerbs>) {
    this.#link = link;
    this.#far = far;
    this.#near = near;
  }

  /** Starts both. There is no session yet. */
  static async open(link: UdpLink): Promise<SessionPair> {
    const parts: Array<Child<SessionEndVerbs>> = [];
    try {
      const far = await link.context.startSubject<SessionEndVerbs>('session-end', 'far end', 'far');
      parts.push(far);
      const near = await link.context.startSubject<SessionEndVerbs>('session-end', 'near end', 'near');
      return new SessionPair(link, far, near);
    } catch (error) {
      await stopAll(parts);
      throw error;
    }
  }

  /** Makes a session between them, counted from 0 since the last `leave`. */
  async join(session: SessionSetUp = {}): Promise<void> {
    const name = JSON.stringify(session);
    const door = this.#doors.get(name) ?? this.#open(session);
    this.#doors.set(name, door);
    await this.#near.call('connect', { to: await door, session });
    await this.#far.call('joined', ++this.#sessions);
  }

  /** Ends all sessions, so that the next run begins with one that knows nothing of the link. */
  async leave(): Promise<void> {
    this.#sessions = 0;
    await this.#near.call('leave', null);
    await this.#far.call('leave', null);
  }

  /** Sends frames from the far end on a session, and waits until they are there or surely lost. */
  async frames(plan: Omit<FramePlan, 'seed'>, session = 0): Promise<FramesMeasured> {
    const seed = ++this.#seed;
    const { frameBytes } = plan;
    await this.#near.call('expect', { session, seed, frameBytes });
    const sent = await this.#far.call('send', { session, seed, ...plan }, CALL_MS);
    const count = sent.submittedMs.length;
    const giveUpMs = nowMs() + plan.deadlineMs + SETTLE_MS;
    while ((await this.#near.call('count', session)) < count && nowMs() < giveUpMs) await delay(ASK_MS);
    const taken = await this.#near.call('taken', session);
    return { sent, taken, problems: [...taken.problems, ...frameProblems(sent, taken)] };
  }

  /** Asks at the near end, on the first session; the far end answers. */
  ask(plan: Omit<AskPlan, 'seed'>): Promise<Asked> {
    return this.#near.call('ask', { seed: ++this.#seed, ...plan }, CALL_MS);
  }

  /** Reads the meters; the function it gives reads them again. */
  async meter(): Promise<Cost> {
    const processes = await startMeter({ measured: [measured(this.#far), measured(this.#near)] });
    const before = await this.#wireBytes();
    return async (payloadBytes) => {
      const cost = await processes(payloadBytes);
      const wireBytes = (await this.#wireBytes()) - before;
      return { ...cost, wireBytes, overheadPercent: (wireBytes / payloadBytes - 1) * 100 };
    };
  }

  /** How packets reach the system at both ends. */
  async tiers(): Promise<string[]> {
    const stats = await Promise.all([this.#far.call('stats', null), this.#near.call('stats', null)]);
    return stats.flatMap((sessions) => sessions.map(({ tier }) => tier));
  }

  close(): Promise<void> {
    return stopAll([this.#far, this.#near]);
  }

  async #open(session: SessionSetUp): Promise<{ host: string; port: number }> {
    return this.#link.toward(await this.#far.call('listen', { host: this.#link.farHost, session }));
  }

  async #wireBytes(): Promise<number> {
    const stats = await Promise.all([this.#far.call('stats', null), this.#near.call('stats', null)]);
    return stats.flat().reduce((sum, { bytesSent, packetsSent }) => sum + bytesSent + HEADER_BYTES * packetsSent, 0);
  }
}

/** Holds what came against what was sent: nothing arrives that was not sent, or before it was. */
export function frameProblems({ submittedMs }: FramesSent, { arrivedMs }: FramesTaken): string[] {
  const problems: string[] = [];
  for (const [number, atMs] of Object.entries(arrivedMs)) {
    const sentMs = submittedMs[Number(number)];
    if (sentMs === undefined) problems.push(`frame ${number} arrived and was never sent`);
    else if (atMs < sentMs) problems.push(`frame ${number} arrived before it was sent`);
  }
  return problems;
}

/** How long each frame took, in ms, in the order of their numbers; those that did not come are infinite. */
export function frameTimes({ sent, taken }: FramesMeasured): number[] {
  return sent.submittedMs.map((sentMs, number) => (taken.arrivedMs[number] ?? Infinity) - sentMs);
}
