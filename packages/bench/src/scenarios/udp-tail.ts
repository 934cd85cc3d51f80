import type { BenchParams } from '@millrace/protocol';
import { distribution } from '../run/measure-transfer.js';
import { openSessionBed } from '../udp/session-bed.js';
import type { SessionPair } from '../udp/session-pair.js';
import { linkNotes, udpLinkKind, type UdpLinkKind } from '../udp/udp-link.js';
import { workerScenario, type Measurement } from './scenario.js';

interface TailParams extends BenchParams {
  link: UdpLinkKind;
  kind: 'event' | 'datagram';
  rttMs: number;
  lossPercent: number;
  rateMbps: number;
  bytes: number;
  messages: number;
}

const RTT_MS = 50;
const EVERY_MS = 10;
/** What a loss may add to the round trip, by the loss in per cent. */
const MARGIN_MS: Record<number, number> = { 1: 10, 5: 25 };
/** A datagram whose answer has not come by then is lost, and counts as having taken so long. */
const PATIENCE_MS = 1000;

const most = ({ rttMs, lossPercent }: TailParams): number => rttMs + (MARGIN_MS[lossPercent] ?? 0);

/** What loss does to the slowest of small messages, and what that costs on the wire. */
export const udpTail = workerScenario<TailParams>({
  name: 'udp-tail',
  about:
    'UDP session over a link of 25 ms each way with loss: events and datagrams of 64 bytes, 100 a second, there and back, beside one that repeats nothing ahead of a loss',
  subject: 'millrace',
  ownLink: true,
  comparable: true,
  variants: ({ quick }) =>
    (['event', 'datagram'] as const).flatMap((kind) =>
      (quick ? [5] : [1, 5]).map((lossPercent) => ({
        link: udpLinkKind(quick),
        kind,
        rttMs: RTT_MS,
        lossPercent,
        rateMbps: 0,
        bytes: 64,
        messages: quick ? 40 : 1000,
      })),
    ),
  lasts: ({ messages }) => (2 * messages * EVERY_MS) / 1e3,
  warmUp: (params) => ({ ...params, messages: params.messages / 10 }),
  target: (params) => ({
    figure: 'latencyMsP99',
    atMost: most(params),
    text: `p99 of there and back at most the round trip and ${MARGIN_MS[params.lossPercent]} ms`,
  }),
  open: async (context, params) => {
    const bed = await openSessionBed(context, params, false);
    return {
      measure: (now) => measureAnswers(bed.pair, now, {}),
      close: () => bed.close(),
      notes: () => linkNotes(params.link),
      baseline: {
        name: 'no repeats',
        measure: (_own, now) => measureAnswers(bed.pair, now, { parityCeiling: 0 }),
        compare: () => ({}),
      },
    };
  },
});

async function measureAnswers(
  pair: SessionPair,
  params: TailParams,
  session: { parityCeiling?: number },
): Promise<Measurement> {
  const { kind, messages, bytes } = params;
  await pair.join(session);
  try {
    const meter = await pair.meter();
    const asked = await pair.ask({ kind, count: messages, bytes, everyMs: EVERY_MS, patienceMs: PATIENCE_MS });
    const times = Array.from({ length: messages }, (_, number) => asked.timesMs[number] ?? PATIENCE_MS);
    const cost = await meter(2 * messages * bytes);
    const missing = messages - Object.keys(asked.timesMs).length;
    const problems = [...asked.problems];
    if (kind === 'event' && missing > 0) problems.push(`${missing} events were not answered`);
    const inTime = times.filter((ms) => ms <= most(params)).length;
    return {
      figures: { ...distribution('latencyMs', times), inTimePercent: (100 * inTime) / messages, ...cost },
      problems,
    };
  } finally {
    await pair.leave();
  }
}
