import { expect, test } from 'vitest';
import { TunnelError } from '../errors.js';
import { Channel } from './channel.js';
import { endsOf } from './stream-ends.js';
import type { TunnelStream } from './types.js';

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

test('a channel hands over what came, and the end after it', async () => {
  const channel = new Channel(() => {});
  const ends = endsOf(channel.stream);
  const waiting = ends.read();
  channel.push(bytes('one'));
  channel.push(bytes('two'));
  expect(text(await waiting)).toBe('one');
  channel.endDownload();
  expect(text(await ends.read())).toBe('two');
  expect(await ends.read()).toBeUndefined();
});

test('a channel takes in what is written, and tells when the node has all of it', async () => {
  const channel = new Channel(() => {});
  const ends = endsOf(channel.stream);
  await ends.write(bytes('question'));
  let ended = false;
  const end = ends.end().then(() => (ended = true));
  expect(channel.uploadDrained).toBe(false);
  expect(text(channel.take(100))).toBe('question');
  expect(channel.uploadDrained).toBe(true);
  expect(ended).toBe(false);
  channel.endUpload();
  await end;
  expect(ended).toBe(true);
});

test('a cut ends both sides, also for who comes to the web streams later', async () => {
  const channel = new Channel(() => {});
  const ends = endsOf(channel.stream);
  const reading = ends.read();
  reading.catch(() => {});
  channel.reset(new TunnelError('STREAM_CLOSED', 'cut'));
  await expect(reading).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  await expect(ends.write(bytes('late'))).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  await expect(ends.end()).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  await expect(channel.stream.readable.getReader().read()).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  await expect(channel.stream.writable.getWriter().closed).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
});

test('the web streams of a channel are made once, and those that come after the end are at their end', async () => {
  const channel = new Channel(() => {});
  expect(channel.stream.readable).toBe(channel.stream.readable);
  expect(channel.stream.writable).toBe(channel.stream.writable);
  const ended = new Channel(() => {});
  ended.endDownload();
  expect(await endsOf(ended.stream).read()).toBeUndefined();
  expect(await ended.stream.readable.getReader().read()).toEqual({ done: true, value: undefined });
});

test('a stream that offers nothing else is used by its web streams', async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const settled = Promise.resolve();
  const stream: TunnelStream = { readable, writable, opened: settled, closed: settled, reset: () => {} };
  const ends = endsOf(stream);
  const reading = ends.read();
  await ends.write(bytes('there and back'));
  expect(text(await reading)).toBe('there and back');
  const last = ends.read();
  await ends.end();
  expect(await last).toBeUndefined();
});
