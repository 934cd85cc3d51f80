import { expect, test } from 'vitest';
import { decodeBody, decodePacket, type PacketValue, type SegmentValue } from '@millrace/protocol/level2';
import { eventually, quiet } from './support/eventually.js';
import { startLevel2 } from './support/level2-node.js';
import { Random } from './support/random.js';
import { MIB } from './support/raw.js';
import { startTarget, startUdpTarget } from './support/target.js';

const ROUNDS = 600;

/** Something of everything, in any combination, with numbers that are right, nearly right, and far off. */
function randomPacket(random: Random, cid: Uint8Array, n: number, ports: { tcp: number; udp: number }): PacketValue {
  const number = (): number =>
    random.pick([0, 1, random.below(10), random.below(100_000), 2 ** 32, Number.MAX_SAFE_INTEGER]);
  const segment = (): SegmentValue => {
    const kind = random.pick([0, 0, 0, 1, 9]);
    const host = random.pick(['127.0.0.1', '127.0.0.1', 'no name', '169.254.169.254']);
    return {
      sid: random.pick([random.below(20), random.below(20), number()]),
      ...(random.chance(60) && { open: { host, port: kind === 1 ? ports.udp : ports.tcp, kind } }),
      ...(random.chance(10) && { opened: { code: 'x' } }),
      ...(random.chance(50) && { off: random.pick([0, random.below(1000), number()]) }),
      ...(random.chance(50) && { d: new Uint8Array(random.below(2000)) }),
      ...(random.chance(10) && { fin: true }),
      ...(random.chance(5) && { rst: random.pick(['ABORTED', '', '<x>']) }),
      ...(random.chance(20) && { ack: number() }),
      ...(random.chance(20) && { credit: number() }),
      ...(random.chance(20) && { datagrams: [{ n: number(), d: new Uint8Array(random.below(100)) }] }),
    };
  };
  const range = (): { from: number; to: number } => {
    const from = number();
    return { from, to: Math.min(Number.MAX_SAFE_INTEGER, from + random.below(5)) };
  };
  return {
    n: random.chance(90) ? n : number(),
    cid,
    max: random.pick([0, 100, 5_000, 0xffff_ffff]),
    ...(random.chance(10) && { epoch: new Uint8Array(12) }),
    ...(random.chance(30) && { got: [range()] }),
    ...(random.chance(30) && { lost: [range()] }),
    segments: Array.from({ length: random.below(6) }, segment),
  };
}

test.each([1, 2, 3])('packets of any content are answered or refused, and nothing grows (seed %i)', async (seed) => {
  const random = new Random(seed);
  const { client, node, ...rest } = await startLevel2({ maxStreams: 40, maxClients: 3 }, { text: seed === 3 });
  const ports = { tcp: (await startTarget()).port, udp: (await startUdpTarget()).port };
  const cids = Array.from({ length: 5 }, (_, index) => new Uint8Array(16).fill(index));
  const answers = { right: 0, refused: 0 };
  for (let n = 0; n < ROUNDS; n++) {
    const body = Buffer.from(client.encode(randomPacket(random, random.pick(cids), n, ports)));
    // The token stays as it is: who does not have it is refused before anything of this.
    const from = seed === 3 ? 44 : 33;
    for (let changes = random.pick([0, 0, 1, 3, 20]); changes > 0 && body.length > from; changes--) {
      body[from + random.below(body.length - from)] =
        seed === 3 ? random.pick([0x41, 0x39, 0x2f, 0x3d]) : random.below(256);
    }
    const cut = random.chance(10) ? body.subarray(0, from + random.below(body.length - from + 1)) : body;
    const answer = await rest.post(cut);
    if (answer.status === 200) {
      decodePacket(decodeBody(answer.body, 'response').packet);
      answers.right++;
    } else {
      expect(answer.status).toBe(404);
      answers.refused++;
    }
    expect(node.stats().bufferedBytes).toBeLessThan(16 * MIB);
    expect(node.stats().clients).toBeLessThanOrEqual(3);
  }
  await quiet();
  expect(answers.right).toBeGreaterThan(ROUNDS / 4);
  expect(answers.refused).toBeGreaterThan(10);
  const { streams, flows, opening } = node.stats();
  expect(streams + flows + opening).toBeLessThanOrEqual(40);
  // It works as it did.
  const codes = rest.events.flatMap((event) => (event.event === 'refused' ? [event.code] : []));
  expect(codes).not.toContain('INTERNAL');
  await node.close();
  await eventually(() => node.stats().bufferedBytes === 0);
});
