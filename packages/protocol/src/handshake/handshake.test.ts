import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { ANSWER_BYTES, call, CALL_BYTES, deriveKeys, openCall } from './index.js';

const filled = (value: number, bytes = 32): Uint8Array => new Uint8Array(bytes).fill(value);
const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const keys = await deriveKeys(filled(1));
const sharedKey = filled(2);
const WAYS = {
  'a pinned key': [{ publicKey: keys.publicKey }, { privateKey: keys.privateKey }],
  'a shared key': [{ sharedKey }, { sharedKey }],
  both: [
    { publicKey: keys.publicKey, sharedKey },
    { privateKey: keys.privateKey, sharedKey },
  ],
} as const;
const associated = text('clear bytes');

describe.each(Object.entries(WAYS))('with %s', (name, [identity, secret]) => {
  test('both ends get the same secrets, and see what the other said', async () => {
    const made = await call(identity, text('hello'), associated, filled(3, 64));
    expect(made.message.length).toBe(CALL_BYTES + 5);
    const opened = await openCall(secret, made.message, associated);
    expect(opened.payload).toEqual(text('hello'));
    expect(opened.earlySecret).toEqual(made.earlySecret);
    const answer = await opened.answer(text('welcome'), filled(4));
    expect(answer.message.length).toBe(ANSWER_BYTES + 7);
    const done = await made.finish(answer.message);
    expect(done.payload).toEqual(text('welcome'));
    expect(done.secrets).toEqual(answer.secrets);
    const all = [made.earlySecret, done.secrets.caller, done.secrets.callee].map(hex);
    expect(new Set(all).size).toBe(3);
  });

  test('gives the golden bytes', async () => {
    const file = new URL('../../test/vectors/handshake.json', import.meta.url);
    const golden = (JSON.parse(readFileSync(file, 'utf8')) as { vectors: Record<string, unknown> }).vectors[name];
    const made = await call(identity, text('hello'), associated, filled(3, 64));
    const opened = await openCall(secret, made.message, associated);
    const answer = await opened.answer(text('welcome'), filled(4));
    expect({
      call: hex(made.message),
      earlySecret: hex(made.earlySecret),
      answer: hex(answer.message),
      callerSecret: hex(answer.secrets.caller),
      calleeSecret: hex(answer.secrets.callee),
    }).toEqual(golden);
  });

  test('any changed byte is refused', async () => {
    const made = await call(identity, text('hello'), associated, filled(3, 64));
    const { message } = await (await openCall(secret, made.message, associated)).answer(text('welcome'), filled(4));
    const refused = expect.objectContaining({ code: 'HANDSHAKE_FAILED' });
    for (let at = 0; at < made.message.length; at += 3) {
      const changed = made.message.map((byte, i) => (i === at ? byte ^ 1 : byte));
      await expect(openCall(secret, changed, associated)).rejects.toEqual(refused);
    }
    for (let at = 0; at < message.length; at += 3) {
      await expect(made.finish(message.map((byte, i) => (i === at ? byte ^ 1 : byte)))).rejects.toEqual(refused);
    }
    await expect(openCall(secret, made.message, text('other bytes'))).rejects.toEqual(refused);
    await expect(openCall(secret, made.message.subarray(0, CALL_BYTES - 1), associated)).rejects.toEqual(refused);
    await expect(made.finish(message.subarray(0, ANSWER_BYTES - 1))).rejects.toEqual(refused);
    // The right answer still ends it.
    await expect(made.finish(message)).resolves.toBeDefined();
  });
});

test('another callee, another shared key and another call do not fit', async () => {
  const refused = expect.objectContaining({ code: 'HANDSHAKE_FAILED' });
  const other = await deriveKeys(filled(9));
  const made = await call({ publicKey: keys.publicKey }, text(''), associated, filled(3, 64));
  await expect(openCall({ privateKey: other.privateKey }, made.message, associated)).rejects.toEqual(refused);
  const shared = await call({ ...keys, sharedKey }, text(''), associated, filled(3, 64));
  await expect(openCall({ ...keys, sharedKey: filled(8) }, shared.message, associated)).rejects.toEqual(refused);
  await expect(openCall({ privateKey: keys.privateKey }, shared.message, associated)).rejects.toEqual(refused);
  const second = await call({ publicKey: keys.publicKey }, text(''), associated, filled(5, 64));
  const answer = await (await openCall(keys, second.message, associated)).answer(text(''), filled(4));
  await expect(made.finish(answer.message)).rejects.toEqual(refused);
});

test('keys of the wrong size are refused', async () => {
  const refused = expect.objectContaining({ code: 'HANDSHAKE_FAILED' });
  await expect(call({ publicKey: filled(1, 31) }, text(''), associated, filled(3, 64))).rejects.toEqual(refused);
  await expect(call({}, text(''), associated, filled(3, 64))).rejects.toEqual(refused);
  await expect(call({ sharedKey }, text(''), associated, filled(3, 63))).rejects.toEqual(refused);
  await expect(openCall({ sharedKey: filled(1, 5) }, filled(0, 200), associated)).rejects.toEqual(refused);
});
