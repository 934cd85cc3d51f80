/** Process: one end of UDP sessions. It sends and takes frames, asks and answers; all that arrives is compared. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { patternView } from '@millrace/testkit';
import { UdpSession, type SessionHandle, type SessionOptions, type UdpSessionStats } from '@millrace/udp-session';
import { nowMs } from '../process/clock.js';
import { serve } from '../process/worker.js';

/** Frames that are sent on a session. */
export interface FramePlan {
  /** Seed of the pattern; frame n is what stands at n times `frameBytes`. */
  seed: number;
  frameBytes: number;
  /** All of these, or as many as can be sent until `forMs` are over. */
  count: number;
  forMs?: number;
  /** Time between two frames; 0: as soon as there is room. */
  everyMs: number;
  deadlineMs: number;
}

/** What was sent: when each frame was given to the session. */
export interface FramesSent {
  startMs: number;
  submittedMs: number[];
}

/** What came, by the frame's number. */
export interface FramesTaken {
  arrivedMs: Record<number, number>;
  problems: string[];
}

/** Messages that are asked, each answered by the peer with the same bytes. */
export interface AskPlan {
  kind: 'event' | 'datagram';
  seed: number;
  count: number;
  bytes: number;
  everyMs: number;
  /** Longest time that an answer is waited for. */
  patienceMs: number;
}

/** Times to the answers, by the number of the question; absent where none came. */
export interface Asked {
  timesMs: Record<number, number>;
  problems: string[];
}

/** Only what is measured: who speaks is of no interest on a link of one's own. */
const sharedKey = new Uint8Array(32).fill(7);
/** Half of it may wait in the session: half a second of 200 Mbit/s. The rest can be sent again. */
const maxSendBytes = 24 * 2 ** 20;
/** Time until it is looked again whether a session has room. */
const ROOM_MS = 1;
const MAX_PROBLEMS = 10;
const NUMBER_BYTES = 8;

/** A session, with what came on it. */
interface End {
  readonly session: SessionHandle;
  expected?: Pick<FramePlan, 'seed' | 'frameBytes'>;
  taken: FramesTaken;
  /** Frames that came, right ones. */
  count: number;
}

const ends: End[] = [];
/** Called with every session that begins. */
let onJoined: (() => void) | undefined;
let onAnswer: ((data: Uint8Array) => void) | undefined;

/** The bytes of a pattern as one piece. */
const pattern = (position: number, bytes: number, seed: number): Buffer => {
  const view = patternView(position, bytes, seed);
  return view.length === bytes
    ? view
    : Buffer.concat([view, patternView(position + view.length, bytes - view.length, seed)]);
};

/** What is wrong with a frame; nothing when it is right, and here for the first time. */
function wrong({ expected, taken }: End, number: number, data: Uint8Array): string | undefined {
  if (!expected) return 'nobody expected it';
  if (taken.arrivedMs[number] !== undefined) return 'it came twice';
  const { seed, frameBytes } = expected;
  return pattern(number * frameBytes, frameBytes, seed).equals(data) ? undefined : 'it has wrong bytes';
}

function adopt(session: SessionHandle, echoes: boolean): void {
  const end: End = { session, taken: { arrivedMs: {}, problems: [] }, count: 0 };
  ends.push(end);
  session.on('frame', (frame) => {
    const atMs = nowMs();
    const { pts } = frame;
    const problem = wrong(end, pts, frame.data);
    frame.release();
    if (problem === undefined) {
      end.taken.arrivedMs[pts] = atMs;
      end.count++;
    } else if (end.taken.problems.length < MAX_PROBLEMS) end.taken.problems.push(`frame ${pts}: ${problem}`);
  });
  session.on('event', (data) => (echoes ? session.sendEvent(data) : onAnswer?.(data)));
  session.on('datagram', (data) => (echoes ? session.sendDatagram(data) : onAnswer?.(data)));
  onJoined?.();
}

/** One of the sessions, counted from 0 in the order in which they were made. */
function endOf(at: number): End {
  const end = ends[at];
  if (!end) throw new Error(`there is no session ${at}`);
  return end;
}

/** Gives a frame to a session as soon as it has room. */
async function submit(session: SessionHandle, frame: Buffer, deadlineMs: number, pts: number): Promise<void> {
  for (;;) {
    try {
      session.sendFrame(frame, { deadlineMs, pts });
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SESSION_BUSY') throw error;
      await delay(ROOM_MS);
    }
  }
}

function question(number: number, { bytes, seed }: AskPlan): Buffer {
  const head = Buffer.alloc(NUMBER_BYTES);
  head.writeBigUInt64BE(BigInt(number));
  return Buffer.concat([head, pattern(number * bytes, bytes - NUMBER_BYTES, seed)]);
}

const verbs = {
  /** Waits for sessions, and answers their events and datagrams with the same; gives the address. */
  listen: async ({ host, session = {} }: { host: string; session?: SessionOptions }) => {
    const options = { address: host, port: 0, sharedKey, session: { maxSendBytes, ...session } };
    const made = await UdpSession.listen(options);
    made.on('session', (one) => adopt(one, true));
    return { host, port: made.local.port };
  },
  connect: async ({ to, session = {} }: { to: { host: string; port: number }; session?: SessionOptions }) => {
    adopt(await UdpSession.connect({ address: to.host, port: to.port, sharedKey, session }), false);
  },
  /** Resolves once so many sessions have begun here: the end that is called knows of one a little later than its caller. */
  joined: async (count: number): Promise<void> => {
    while (ends.length < count) await new Promise<void>((resolve) => (onJoined = resolve));
  },
  /** Which frames come next on a session. */
  expect: ({ session, ...frames }: { session: number; seed: number; frameBytes: number }): void => {
    const end = endOf(session);
    end.expected = frames;
    end.taken = { arrivedMs: {}, problems: [] };
    end.count = 0;
  },
  /** Sends frames on a session. */
  send: async ({ session: at, ...plan }: FramePlan & { session: number }): Promise<FramesSent> => {
    const { session } = endOf(at);
    const { seed, frameBytes, count, forMs = Infinity, everyMs, deadlineMs } = plan;
    const startMs = nowMs();
    const submittedMs: number[] = [];
    for (let number = 0; number < count && nowMs() - startMs < forMs; number++) {
      const dueMs = startMs + number * everyMs - nowMs();
      if (everyMs > 0 && dueMs > 0) await delay(dueMs);
      submittedMs.push(nowMs());
      await submit(session, pattern(number * frameBytes, frameBytes, seed), deadlineMs, number);
      // The session sends when its turn comes.
      await turn();
    }
    return { startMs, submittedMs };
  },
  taken: (session: number): FramesTaken => endOf(session).taken,
  /** How many frames came so far. */
  count: (session: number): number => endOf(session).count,
  /** Asks on the first session, and waits for the answers. */
  ask: async (plan: AskPlan): Promise<Asked> => {
    const { session } = endOf(0);
    const { kind, count, everyMs, patienceMs } = plan;
    const asked: Asked = { timesMs: {}, problems: [] };
    const askedMs: number[] = [];
    let done: (() => void) | undefined;
    let last = -1;
    let answered = 0;
    onAnswer = (data) => {
      const atMs = nowMs();
      const number = data.length < NUMBER_BYTES ? -1 : Number(Buffer.from(data).readBigUInt64BE());
      const at = askedMs[number];
      if (at === undefined || !question(number, plan).equals(data)) asked.problems.push('an answer has wrong bytes');
      else if (asked.timesMs[number] !== undefined) asked.problems.push(`answer ${number} came twice`);
      else if (kind === 'event' && number !== last + 1)
        asked.problems.push(`answer ${number} came behind answer ${last}`);
      else {
        asked.timesMs[number] = atMs - at;
        if (++answered === plan.count) done?.();
      }
      last = number;
    };
    const startMs = nowMs();
    for (let number = 0; number < count; number++) {
      const dueMs = startMs + number * everyMs - nowMs();
      if (dueMs > 0) await delay(dueMs);
      askedMs[number] = nowMs();
      if (kind === 'event') session.sendEvent(question(number, plan));
      else session.sendDatagram(question(number, plan));
    }
    const over = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => {
        done = resolve;
        if (answered === count) resolve();
      }),
      delay(patienceMs, undefined, { signal: over.signal }).catch(() => undefined),
    ]);
    over.abort();
    onAnswer = undefined;
    return asked;
  },
  stats: (): UdpSessionStats[] => ends.map(({ session }) => session.stats()),
  /** Ends all sessions. */
  leave: async (): Promise<void> => {
    await Promise.all(ends.splice(0).map(({ session }) => session.close()));
  },
};
export type SessionEndVerbs = typeof verbs;

serve(verbs);
