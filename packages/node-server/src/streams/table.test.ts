import { expect, test } from 'vitest';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { ManualClock } from '../../test/support/clock.js';
import { isPending } from '../../test/support/pending.js';
import { quiet } from '../../test/support/eventually.js';
import type { Channel } from './channel.js';
import { Lingering } from './lingering.js';
import { StreamTable } from './table.js';
import { Watchers } from './watchers.js';

class FakeChannel implements Channel {
  readonly kind: 'stream' | 'flow';
  readonly watchers = new Watchers(1);
  readonly bytesUp = 1;
  readonly bytesDown = 2;
  readonly failure = undefined;
  readonly readable = false;
  closed = false;
  usedAt = 0;
  how: string[] = [];
  go = (): void => {};
  readonly #gone = new Promise<void>((resolve) => (this.go = resolve));

  constructor(kind: 'stream' | 'flow' = 'stream') {
    this.kind = kind;
  }
  close(): Promise<void> {
    this.how.push('close');
    return this.#gone;
  }
  cut(): Promise<void> {
    this.how.push('cut');
    this.go();
    return this.#gone;
  }
}

function start(maxStreams = 10) {
  const clock = new ManualClock();
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  const table = new StreamTable({
    maxStreams,
    streamIdleMs: 300_000,
    flowIdleMs: 120_000,
    maxLingering: 2,
    clock,
    events: hub,
  });
  const open = async (key: string, kind: 'stream' | 'flow' = 'stream') => {
    const channel = new FakeChannel(kind);
    channel.usedAt = clock.now();
    return table.open(key, kind, undefined, () => Promise.resolve(channel));
  };
  return { table, clock, events, open };
}

test('a channel is found by its key until it is closed, and its end is told once', async () => {
  const { table, open, events } = start();
  const entry = await open('a');
  expect(table.get('a')).toBe(entry);
  table.close(entry);
  table.close(entry);
  table.cut(entry, 'STREAM_CLOSED');
  expect(table.get('a')).toBeUndefined();
  expect(entry.channel.how).toEqual(['close']);
  expect(events.filter(({ event }) => event === 'closed')).toEqual([
    { event: 'closed', id: 1, kind: 'stream', bytesUp: 1, bytesDown: 2, ms: 0 },
  ]);
});

test('an open that throws frees its place and is told with its code', async () => {
  const { table, events, open } = start(1);
  await expect(
    table.open<FakeChannel>('a', 'stream', 'host:80', () => Promise.reject(new TypeError('a bug'))),
  ).rejects.toThrow('a bug');
  await open('b');
  await expect(open('c')).rejects.toMatchObject({ code: 'NODE_BUSY' });
  expect(events.map((event) => ('code' in event ? `${event.event} ${event.code}` : event.event))).toEqual([
    'open',
    'open-failed INTERNAL',
    'open',
    'opened',
    'open',
    'open-failed NODE_BUSY',
  ]);
  expect(events[0]).toEqual({ event: 'open', id: 1, kind: 'stream', target: 'host:80' });
});

test('streams and flows are reaped each after its own time, whatever order they came in', async () => {
  const { table, clock, open, events } = start();
  await open('stream');
  clock.advance(50_000);
  await open('flow', 'flow');
  expect([table.streams, table.flows]).toEqual([1, 1]);
  clock.advance(119_999);
  expect([table.streams, table.flows]).toEqual([1, 1]);
  clock.advance(1);
  expect([table.streams, table.flows]).toEqual([1, 0]);
  clock.advance(130_000);
  expect([table.streams, table.flows]).toEqual([0, 0]);
  expect(events.filter(({ event }) => event === 'closed')).toMatchObject([
    { kind: 'flow', code: 'STREAM_CLOSED' },
    { kind: 'stream', code: 'STREAM_CLOSED' },
  ]);
});

test('use keeps a stream, and counts from its end', async () => {
  const { table, clock, open } = start();
  const entry = await open('a');
  const release = table.use(entry);
  clock.advance(1_000_000);
  expect(table.streams).toBe(1);
  release();
  clock.advance(299_999);
  expect(table.streams).toBe(1);
  clock.advance(1);
  expect(table.streams).toBe(0);
});

test('empty waits for opens under way and for the last close', async () => {
  const { table, open } = start();
  const entry = await open('a');
  let finish: (channel: FakeChannel) => void = () => {};
  const opening = table.open('b', 'stream', undefined, () => new Promise<FakeChannel>((resolve) => (finish = resolve)));
  const refused = expect(opening).rejects.toMatchObject({ code: 'NODE_BUSY' });
  table.refuseOpens();
  const empty = table.empty();
  table.cut(entry, 'STREAM_CLOSED');
  expect(await isPending(empty)).toBe(true);
  const late = new FakeChannel();
  finish(late);
  await refused;
  await empty;
  expect(late.how).toEqual(['cut']);
});

test('beyond the bound the oldest of those that linger is cut', async () => {
  const lingering = new Lingering(2);
  const channels = [new FakeChannel(), new FakeChannel(), new FakeChannel()];
  for (const channel of channels) lingering.close(channel);
  expect(channels.map(({ how }) => how)).toEqual([['close', 'cut'], ['close'], ['close']]);
  expect(lingering.size).toBe(2);
  channels[1]!.go();
  await quiet();
  expect(lingering.size).toBe(1);
  await lingering.cutAll();
  expect(channels[2]!.how).toEqual(['close', 'cut']);
  expect(lingering.size).toBe(0);
});
