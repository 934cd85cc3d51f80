import { expect, test } from 'vitest';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { decodeBody, decodePacket, type PacketValue } from '@millrace/protocol/level2';
import { ManualClock } from '../../test/support/clock.js';
import { eventually, quiet } from '../../test/support/eventually.js';
import { isPending } from '../../test/support/pending.js';
import { StalledSocket } from '../../test/support/stalled-socket.js';
import type { Answer } from '../carriers/exchanger.js';
import { type Clock, systemClock } from '../clock.js';
import { NodeError } from '../errors.js';
import { Egress } from '../egress/egress.js';
import { EgressPolicy } from '../egress/policy.js';
import { NODE_LIMITS } from '../limits.js';
import { StreamTable } from '../streams/table.js';
import { Level2 } from './level2.js';

const rules = { allowPrivate: true, allowPorts: [], denyPorts: [], allowNames: [], denyNames: [] };
const lookup = (): Promise<never> => Promise.reject(new Error('no names here'));

/** Level 2 without a carrier: answers leave when the test says so. Targets send chunks without end; none with 0. */
function start(maxAnswerBytes: number, chunkBytes = 65_536, clock: Clock = systemClock) {
  const events = new EventHub<MillraceEvent>();
  const told: MillraceEvent[] = [];
  events.subscribe((event) => told.push(event));
  const sockets: StalledSocket[] = [];
  const limits = { ...NODE_LIMITS, maxAnswerBytes };
  const policy = new EgressPolicy(rules, { isOwn: () => false, isListening: () => false });
  const connect = (): ReturnType<StalledSocket['asSocket']> => {
    const socket = new StalledSocket(chunkBytes);
    sockets.push(socket);
    return socket.asSocket();
  };
  const egress = new Egress({ policy, lookup, dialTimeoutMs: 1_000, clock, events, connect, limits });
  const table = new StreamTable({ maxStreams: 10, streamIdleMs: 1e6, flowIdleMs: 1e6, maxLingering: 1, clock, events });
  const nodeId = new Uint8Array(8);
  const common = { clock, events, limits, logTargets: false, clientIdleMs: 120_000, engine: {} };
  const level2 = new Level2({ ...common, table, egress, nodeId });
  const never = new AbortController().signal;
  const exchange = (cid: number, packet: Omit<PacketValue, 'cid'>, signal = never): Promise<Answer> =>
    level2.exchange({ ...packet, cid: new Uint8Array(16).fill(cid) }, false, signal);
  const open = { sid: 0, open: { host: '127.0.0.1', port: 80, kind: 0 }, credit: 1e9 };
  return { level2, exchange, open, sockets, told };
}

const payload = ({ body }: Answer): number =>
  (decodePacket(decodeBody(body, 'response').packet).segments ?? []).reduce((sum, { d }) => sum + (d?.length ?? 0), 0);

test('no more answers are made while those before have not left; then they go on', async () => {
  const { level2, exchange, open } = start(100_000);
  const asks = { hold: 60_000, max: 60_000 };
  const first = await exchange(1, { n: 0, ...asks, segments: [open] });
  first.finished(true);
  const held = [1, 2, 3, 4, 5].map((n) => exchange(1, { n, ...asks }));
  const answers = await Promise.all(held.slice(0, 2));
  expect(answers.every((answer) => payload(answer) > 30_000)).toBe(true);
  expect(await isPending(held[2]!)).toBe(true);
  expect(level2.stats()).toMatchObject({ exchanges: 3, clients: 1 });
  answers[0]!.finished(true);
  await held[2];
  expect(await isPending(held[3]!)).toBe(true);
  // One that is lost on its way gives its room back too.
  answers[1]!.finished(false);
  await held[3];
  level2.close();
  await expect(held[4]).rejects.toMatchObject({ code: 'ABORTED' });
});

test('a client that has no answer under way gets one while others fill the bound', async () => {
  const { level2, exchange, open } = start(100_000);
  const asks = { hold: 60_000, max: 60_000 };
  (await exchange(1, { n: 0, ...asks, segments: [open] })).finished(true);
  await Promise.all([1, 2].map((n) => exchange(1, { n, ...asks })));
  const stuck = exchange(1, { n: 3, ...asks });
  const other = await exchange(2, { n: 0, ...asks, segments: [open] });
  expect(other.body.length).toBeGreaterThan(0);
  expect(await isPending(stuck)).toBe(true);
  const gone = expect(stuck).rejects.toMatchObject({ code: 'ABORTED' });
  level2.close();
  await gone;
  await quiet();
  expect(level2.stats()).toMatchObject({ clients: 0, exchanges: 0, channels: 0, engineBytes: 0 });
});

test('an answer is never larger than all answers together may be, whatever the client asks for', async () => {
  const { level2, exchange, open } = start(100_000);
  const asks = { hold: 60_000, max: 0xffff_ffff };
  (await exchange(1, { n: 0, ...asks, segments: [open] })).finished(true);
  await eventually(() => level2.stats().engineBytes > 200_000);
  const answer = await exchange(1, { n: 1, ...asks });
  expect(answer.body.length).toBeLessThanOrEqual(100_000);
  level2.close();
});

test('what comes when nobody waits for an exchange any more goes with the next one', async () => {
  const clock = new ManualClock();
  const { level2, exchange, open, sockets } = start(100_000, 0, clock);
  const asks = { hold: 60_000, max: 60_000 };
  (await exchange(1, { n: 0, ...asks, segments: [open] })).finished(true);
  const abort = new AbortController();
  const gone = expect(exchange(1, { n: 1, ...asks }, abort.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  await quiet();
  abort.abort(new NodeError('ABORTED', 'gone'));
  await gone;
  const held = exchange(1, { n: 2, ...asks });
  sockets[0]!.push('hello');
  await quiet();
  // Longer than anything lingers, and shorter than it takes to miss an answer.
  clock.advance(100);
  expect(await isPending(held)).toBe(false);
  expect(payload(await held)).toBe(5);
  level2.close();
});

test('an open that failed leaves nothing with its client', async () => {
  const { level2, exchange, told } = start(100_000);
  const segments = [{ sid: 0, open: { host: 'nowhere.example.org', port: 80, kind: 0 } }];
  const { body } = await exchange(1, { n: 0, hold: 60_000, max: 60_000, segments });
  const answer = decodePacket(decodeBody(body, 'response').packet);
  expect(answer.segments).toMatchObject([{ sid: 0, opened: { code: 'DIAL_NAME_FAILED' } }]);
  level2.close();
  expect(told.at(-1)).toMatchObject({ event: 'client-forgotten', client: 1, streams: 0 });
});
