import { expect, test } from 'vitest';

import { createFec } from '../fec/index.js';
import { createNodeCrypto } from '../node/crypto.js';
import { Pair } from '../../test/sim/pair.js';
import type { Role } from './options.js';
import { SessionCore } from './session.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refused = (code: string): unknown => expect.objectContaining({ name: 'SessionError', code });

test('input of a client reaches its host in one order with the events, whatever is lost', () => {
  const pair = new Pair({ link: { delayMs: 15, loss: 0.2, reorder: 0.3, reorderMs: 30 } });
  for (let i = 0; i < 300; i++) {
    pair.schedule(i * 3, () => {
      if (i % 3 === 0) pair.client.sendEvent(bytes(`${i}`), pair.clientNow);
      else pair.client.sendInput(bytes(`${i}`), pair.clientNow);
    });
  }
  pair.run(10_000);
  const got = pair.hostEvents.map((event) => [event.type, 'data' in event && new TextDecoder().decode(event.data)]);
  expect(got).toEqual(Array.from({ length: 300 }, (_, i) => [i % 3 === 0 ? 'event' : 'input', `${i}`]));
});

test('who is no client has no input', () => {
  const pair = new Pair({ link: { delayMs: 5 } });
  expect([pair.host.role, pair.client.role]).toEqual(['host', 'client']);
  expect(() => pair.host.sendInput(bytes('x'), 0)).toThrow(refused('SESSION_ROLE'));
  const [without] = ends(undefined, undefined);
  expect(() => without.sendInput(bytes('x'), 0)).toThrow(refused('SESSION_ROLE'));
  expect(() => ends('guest' as Role, 'host')).toThrow(refused('SESSION_OPTION'));
});

/** Two ends that were given roles of their own. */
function ends(a: Role | undefined, b: Role | undefined): [SessionCore, SessionCore] {
  const environment = { crypto: createNodeCrypto(), fec: createFec(), random: (n: number) => new Uint8Array(n) };
  const secrets = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
  const keys = { cipher: 'aes-128-gcm', localId: 1, peerId: 1 } as const;
  return [
    new SessionCore(environment, { ...keys, sendSecret: secrets[0], receiveSecret: secrets[1], role: a }, {}, 'b', 0),
    new SessionCore(environment, { ...keys, sendSecret: secrets[1], receiveSecret: secrets[0], role: b }, {}, 'a', 0),
  ];
}

test('an end that is no host takes no input: the packet breaks the rules', () => {
  for (const role of ['client', undefined] as const) {
    const [sender, receiver] = ends('client', role);
    sender.sendInput(bytes('x'), 0);
    receiver.handleDatagrams(sender.pollTransmit(0)!, 'a', 1);
    expect(receiver.pollEvent()).toBeUndefined();
    expect(receiver.stats.packetsMalformed).toBe(1);
  }
});

test('what was refused for want of room is told of once there is room', () => {
  const pair = new Pair({ link: { delayMs: 20, rate: 5000, queueBytes: 1e6 }, host: { maxSendBytes: 2 ** 20 } });
  const frame = new Uint8Array(150_000);
  const sent: number[] = [];
  let refusals = 0;
  const fill = (): void => {
    while (sent.length < 40) {
      try {
        sent.push(pair.host.sealFrame(frame, { deadlineMs: 60_000 }, pair.now));
      } catch (error) {
        expect(error).toEqual(refused('SESSION_BUSY'));
        refusals++;
        return;
      }
    }
  };
  pair.onEvent = (side, event) => {
    if (event.type === 'frame') event.release();
    if (side === 'host' && event.type === 'writable') fill();
  };
  pair.schedule(10, fill);
  pair.run(20_000);
  // Nobody asked again by a clock: each refusal was followed by word of room, and all frames went out.
  expect(sent.length).toBe(40);
  expect(refusals).toBeGreaterThan(5);
  const told = pair.hostEvents.filter((event) => event.type === 'writable').length;
  expect(told).toBe(refusals);
  expect(pair.client.stats.framesCompleted).toBe(40);
});

test('events that were refused are told of once the peer took some', () => {
  const pair = new Pair({ link: { delayMs: 20 } });
  expect(() => {
    for (let i = 0; i < 2000; i++) pair.host.sendEvent(bytes('x'), 0);
  }).toThrow(refused('SESSION_BUSY'));
  pair.run(1000);
  expect(pair.hostEvents).toEqual([{ type: 'writable' }]);
});

test('a frame that never fits into the memory for frames is too large, not to be tried again', () => {
  const pair = new Pair({ link: { delayMs: 20 }, host: { maxSendBytes: 2 ** 20 } });
  expect(() => pair.host.sealFrame(new Uint8Array(2 ** 20 + 1), {}, 0)).toThrow(refused('SESSION_TOO_LARGE'));
});

test('what is not bytes, and options that do not exist, are refused', () => {
  const pair = new Pair({ link: { delayMs: 20 } });
  const text = 'abc' as unknown as Uint8Array;
  const numbers = new Float64Array(2) as unknown as Uint8Array;
  for (const wrong of [text, numbers]) {
    expect(() => pair.host.sealFrame(wrong, {}, 0)).toThrow(refused('SESSION_OPTION'));
    expect(() => pair.host.sendEvent(wrong, 0)).toThrow(refused('SESSION_OPTION'));
    expect(() => pair.host.sendDatagram(wrong, 0)).toThrow(refused('SESSION_OPTION'));
    expect(() => pair.client.sendInput(wrong, 0)).toThrow(refused('SESSION_OPTION'));
  }
  const misspelt = { deadline: 10 } as object;
  expect(() => pair.host.sealFrame(new Uint8Array(1), misspelt, 0)).toThrow('deadline');
});

test('frames that arrived whole are not kept until their deadline', () => {
  const pair = new Pair({ link: { delayMs: 10 }, host: { fixedRate: 100e6 } });
  for (let i = 0; i < 200; i++) {
    pair.schedule(i * 10, () => pair.host.sealFrame(new Uint8Array(100_000), { deadlineMs: 60_000 }, pair.now));
  }
  pair.onEvent = (_side, event) => {
    if (event.type === 'frame') event.release();
  };
  pair.run(3000);
  expect(pair.client.stats.framesCompleted).toBe(200);
  // 200 frames of 100 kB would be 20 MB.
  expect(pair.host.heldBytes).toBeLessThan(2_000_000);
});
