import { decodeBody, BodyBuffers, type PacketValue } from '@millrace/protocol/level2';
import { expect, test } from 'vitest';
import { failed } from '../carriers/carrier.js';
import type { Exchange, ExchangeResult, Lease } from '../carriers/relay-pool.js';
import { exchangePacket, type AnswerPacket, type Form } from './exchange.js';
import type { BodyAccount } from './memory.js';

const token = new Uint8Array(32);
const packet: PacketValue = {
  n: 7,
  cid: new Uint8Array(16),
  segments: [{ sid: 0, off: 0, d: new Uint8Array(200_000).fill(1) }],
};

/** Spare memory after an exchange that ended like this. */
async function spareAfter(form: Form, result: ExchangeResult<AnswerPacket>): Promise<number> {
  const buffers = new BodyBuffers(1_000_000);
  const lease = {
    relay: { name: 'relay', entry: { maxResponseBytes: 1_000_000 } },
    exchange: ({ body }: Exchange<AnswerPacket>) => {
      expect(decodeBody(body, 'request').text).toBe(form === 'text');
      return Promise.resolve(result);
    },
  } as unknown as Lease;
  await exchangePacket(lease, packet, { token, form, buffers, held: false, trial: false, send: { timeoutMs: 1 } });
  return buffers.bytes;
}

test('memory of a request is used again only once the node has answered that very request', async () => {
  const body = 200_000;
  const answering = (answers: number) =>
    ({ ok: true, value: { packet: { ...packet, answers }, memory: new Uint8Array(0) } }) as const;
  expect(await spareAfter('bytes', answering(7))).toBeGreaterThan(body);
  expect(await spareAfter('bytes', answering(6))).toBe(0);
  expect(await spareAfter('bytes', failed('RELAY_TIMEOUT', 'nothing came', true))).toBe(0);
});

test('text is made in the memory that it leaves in, and an answer as text is read where it came', async () => {
  const answering = { ok: true, value: { packet: { ...packet, answers: 7 }, memory: new Uint8Array(0) } } as const;
  const spare = await spareAfter('text', answering);
  expect(spare).toBeGreaterThan((200_000 / 3) * 4);
  expect(spare).toBeLessThan((200_200 / 3) * 4);
  expect(await spareAfter('text', failed('RELAY_TIMEOUT', 'nothing came', true))).toBe(0);
});

test('memory that is used again counts whole; where that is too much there is new memory', async () => {
  const held: number[] = [];
  let most = Infinity;
  let bytes = 0;
  const account = {
    fits: (more: number) => bytes + more <= most,
    add: (more: number) => held.push((bytes += more)),
  } as unknown as BodyAccount;
  const buffers = new BodyBuffers(1_000_000);
  const sizes: number[] = [];
  const lease = {
    relay: { name: 'relay', entry: { maxResponseBytes: 1_000_000 } },
    exchange: ({ send }: Exchange<AnswerPacket>) => {
      expect(send.admits?.(100_000)).toBe(true);
      sizes.push(send.memory?.(100_000).buffer.byteLength ?? 0);
      return Promise.resolve(failed('RELAY_TIMEOUT', 'nothing came', true));
    },
  } as unknown as Lease;
  const options = {
    token,
    form: 'bytes',
    buffers,
    account,
    held: false,
    trial: false,
    send: { timeoutMs: 1 },
  } as const;
  const small: PacketValue = { n: 7, cid: new Uint8Array(16) };
  for (const bound of [Infinity, 110_000]) {
    most = bound;
    buffers.give(new Uint8Array(150_000));
    await exchangePacket(lease, small, options);
    expect(bytes).toBe(0);
  }
  expect(sizes).toEqual([150_000, 100_000]);
  expect(Math.max(...held)).toBeGreaterThan(150_000);
});
