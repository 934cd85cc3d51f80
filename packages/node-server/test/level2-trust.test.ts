import { describe, expect, test } from 'vitest';
import { LIMITS } from '@millrace/protocol';
import { decodeBody, decodePacket, encodeBody, type PacketValue } from '@millrace/protocol/level2';
import { NodeEngine } from '@millrace/protocol/stream';
import { eventually } from './support/eventually.js';
import { addClient, startLevel2 } from './support/level2-node.js';
import { startTestNode } from './support/node.js';
import { isPending } from './support/pending.js';
import { MIB, refusedCodes } from './support/raw.js';
import { startTarget } from './support/target.js';

const OTHER_KEY = 'other-Key_0123456789.abcXYZ';

/** What a body's packet says. */
const answerOf = (body: Uint8Array): PacketValue => decodePacket(decodeBody(body, 'response').packet);

describe('who may speak', () => {
  test('another key reaches nothing of a client, though it names its cid and its streams', async () => {
    const { client, ...test } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    const stranger = await addClient(test, { key: OTHER_KEY, cid: client.cid });
    const attack: PacketValue = { n: 1000, cid: client.cid, segments: [{ sid: stream.sid, rst: 'ABORTED' }] };
    await expect(stranger.post(stranger.encode(attack))).rejects.toThrow('404');
    expect(refusedCodes(test)).toEqual(['RELAY_AUTH']);
    await peer.write('still here');
    expect(await stream.readText(10)).toBe('still here');
  });

  test('the same key under another cid is another client: streams of the same number have nothing in common', async () => {
    const { client, ...test } = await startLevel2();
    const other = await addClient(test);
    const target = await startTarget();
    const streams = [client.open(target.port), other.open(target.port)];
    expect(streams.map(({ sid }) => sid)).toEqual([0, 0]);
    const first = await target.next();
    const second = await target.next();
    await Promise.all(streams.map(({ opened }) => opened));
    streams[0]!.reset();
    const cut = await Promise.race([first.gone.then(() => first), second.gone.then(() => second)]);
    const left = cut === first ? second : first;
    await left.write('still here');
    expect(await streams[1]!.readText(10)).toBe('still here');
    expect(test.node.stats()).toMatchObject({ clients: 2 });
  });

  test('a token and then garbage is refused like everything else, by its own code', async () => {
    const { client, ...test } = await startLevel2();
    const good = client.encode({ n: 0, cid: client.cid });
    for (const garbage of [
      Buffer.alloc(10, 0xff),
      Buffer.from([0x5a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      Buffer.alloc(0),
    ]) {
      const answer = await test.post(Buffer.concat([good.subarray(0, 33), garbage]));
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual((await test.post('', '/')).body);
    }
    expect(refusedCodes(test).filter((code) => code !== 'MESSAGE_INVALID')).toEqual(
      Array.from({ length: 3 }, () => 'PACKET_INVALID'),
    );
    expect(test.node.stats()).toMatchObject({ clients: 0 });
  });

  test('level 2 is served at the path of batches only', async () => {
    const { client, ...test } = await startLevel2();
    expect((await test.post(client.encode({ n: 0, cid: client.cid }), '/tunnel')).status).toBe(404);
  });

  test('the answer shows what the node can do, and who it is', async () => {
    const { client } = await startLevel2();
    const answer = answerOf(await client.post(client.encode({ n: 0, cid: client.cid })));
    expect(answer).toMatchObject({ answers: 0, caps: 7, cid: new Uint8Array(client.cid) });
    expect(answer.epoch).toHaveLength(12);
  });
});

describe('what one client may take', () => {
  test('a hold and an answer beyond all bounds are cut to them', async () => {
    const { client, node } = await startLevel2({ clientIdleSeconds: 10 });
    const target = await startTarget();
    const open = { host: '127.0.0.1', port: target.port, kind: 0 };
    const most = { hold: 0xffff_ffff, max: 0xffff_ffff };
    const first = answerOf(
      await client.post(client.encode({ n: 0, cid: client.cid, ...most, segments: [{ sid: 0, open }] })),
    );
    const peer = await target.next();
    expect(first.segments).toMatchObject([{ sid: 0, opened: { code: '' } }]);
    const held = client.post(client.encode({ n: 1, cid: client.cid, epoch: first.epoch!, ...most }));
    await eventually(() => node.stats().held === 1);
    await peer.write(Buffer.alloc(MIB));
    expect((await held).length).toBeLessThanOrEqual(32 * MIB);
  });

  test('ten thousand forged opens cost ten thousand refusals and nothing that stays', async () => {
    const { client, node } = await startLevel2({ maxStreams: 64, allowPrivate: false });
    let sid = 0;
    let epoch: Uint8Array | undefined;
    for (let n = 0; n < 10; n++) {
      const segments = Array.from({ length: 1000 }, () => ({
        sid: sid++,
        open: { host: '127.0.0.1', port: 1, kind: 0 },
        off: 0,
        d: new Uint8Array(10),
      }));
      const packet: PacketValue = { n, cid: client.cid, max: MIB, segments, ...(epoch && { epoch }) };
      epoch = answerOf(await client.post(client.encode(packet))).epoch!;
    }
    await eventually(() => node.stats().opening === 0);
    expect(node.stats()).toMatchObject({ streams: 0, flows: 0, opening: 0, clients: 1 });
    expect(node.stats().bufferedBytes).toBeLessThan(MIB);
  });

  test('segments of streams that were never opened are answered, and kept nowhere', async () => {
    const { client, node } = await startLevel2();
    const segments = Array.from({ length: 4096 }, (_, sid) => ({ sid, off: 0, d: new Uint8Array(100) }));
    const answer = answerOf(await client.post(client.encode({ n: 0, cid: client.cid, max: MIB, segments })));
    expect(answer.segments!.every(({ rst }) => rst === 'UNKNOWN_SID')).toBe(true);
    expect(node.stats()).toMatchObject({ streams: 0, clients: 1 });
    expect(node.stats().bufferedBytes).toBeLessThan(MIB);
  });

  test('one client too many is refused while all others have streams, and takes the place of one that has none', async () => {
    const { client, ...test } = await startLevel2({ maxClients: 1 });
    const target = await startTarget();
    const stream = client.open(target.port);
    await stream.opened;
    const other = await addClient(test);
    await expect(other.post(other.encode({ n: 0, cid: other.cid }))).rejects.toThrow('404');
    expect(refusedCodes(test)).toEqual(['NODE_BUSY']);
    stream.reset();
    await eventually(() => test.node.stats().streams === 0);
    expect(await other.open(target.port).opened).toBe('opened');
    expect(test.node.stats()).toMatchObject({ clients: 1, streams: 1 });
  });

  test('a connection that breaks while its exchange is held leaves nothing behind', async () => {
    const { client, node } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    await eventually(() => node.stats().held > 0);
    client.cutAll();
    await eventually(() => client.counts.failed > 0);
    await peer.write('found again');
    expect(await stream.readText(11)).toBe('found again');
    client.stop();
    await eventually(() => node.stats().held === 0 && node.stats().requests === 0);
  });

  test('a body that is held is not kept', async () => {
    const { client, node } = await startLevel2();
    const target = await startTarget({ paused: true });
    const open = { host: '127.0.0.1', port: target.port, kind: 0 };
    // Datagrams to a stream: a large body of which nothing is wanted.
    const datagrams = [{ n: 0, d: new Uint8Array(60_000) }];
    const packet: PacketValue = {
      n: 0,
      cid: client.cid,
      hold: 60_000,
      max: 100,
      segments: [{ sid: 0, open, datagrams }],
    };
    const held = client.post(client.encode(packet));
    held.catch(() => {});
    await eventually(() => node.stats().held === 1);
    expect(node.stats()).toMatchObject({ requests: 1, requestBytes: 0 });
    expect(await isPending(held)).toBe(true);
  });
});

test('an engine that fails costs its own client only', async () => {
  const { client, ...test } = await startLevel2();
  const target = await startTarget();
  const other = await addClient(test);
  const stream = other.open(target.port);
  const peer = await target.next();
  await stream.opened;
  const { pollEvent } = NodeEngine.prototype;
  const broken = client.open(target.port);
  const brokenPeer = await target.next();
  await broken.opened;
  NodeEngine.prototype.pollEvent = function (this: NodeEngine) {
    if (this.inspect().some(({ unreadBytes }) => unreadBytes === 13)) throw new Error('planted');
    return pollEvent.call(this);
  };
  await broken.write('thirteen byte');
  expect(await brokenPeer.gone).toBe('reset');
  NodeEngine.prototype.pollEvent = pollEvent;
  expect(refusedCodes(test)).toContain('INTERNAL');
  client.stop();
  await expect(client.post(client.encode({ n: 1_000, cid: client.cid }))).rejects.toThrow('404');
  await peer.write('still here');
  expect(await stream.readText(10)).toBe('still here');
});

test('a body as large as any is taken', async () => {
  const test = await startTestNode();
  const client = await addClient(test);
  const open = { host: '127.0.0.1', port: 1, kind: 0 };
  const d = new Uint8Array(LIMITS.maxBodyBytes - 200);
  // Beyond the credit: that stream is reset, the client goes on.
  const body = client.encode({ n: 0, cid: client.cid, max: 4096, segments: [{ sid: 0, open, off: 0, d }] });
  expect(answerOf(await client.post(body)).segments).toMatchObject([{ sid: 0, rst: 'STREAM_INVALID' }]);
  expect(encodeBody({ n: 1, cid: client.cid }).length).toBeLessThan(100);
  expect(test.node.stats().bufferedBytes).toBeLessThan(MIB);
});
