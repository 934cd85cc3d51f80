/** Peers of other versions, and peers that break the rules. */
import { encodeBase64 } from '@millrace/protocol';
import { createGate, patternBytes } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { fakeTunnel, readBytes, readToEnd } from './support/setup.js';

describe('mixed versions', () => {
  test('a peer that shows the capability but echoes no seq is spoken to serially from then on', async () => {
    await using setup = fakeTunnel({ node: { echo: () => false } });
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    const reader = stream.readable.getReader();
    target.send('one');
    expect((await readBytes(reader, 3)).toString()).toBe('one');
    await target.polled();
    target.send('two');
    expect((await readBytes(reader, 3)).toString()).toBe('two');
    const later = await tunnel.connect({ host: 'later', port: 1, firstBytes: Buffer.from('x') });
    const second = await node.opened.next();
    second.end();
    await readToEnd(later);
    const numbered = node.ops.filter(({ seq }) => seq !== undefined);
    // One op found it out; everything after it, on this stream and the next, has no number.
    expect(numbered).toHaveLength(1);
    expect(node.ops.filter(({ op, sid }) => op === 'data' && sid === second.sid)).not.toHaveLength(0);
  });

  test('a peer that changes its mind with one op in flight goes on serially, byte for byte', async () => {
    await using setup = fakeTunnel({ pipelineDepth: 1, node: { echo: ({ seq }) => (seq as number) < 3 } });
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    const reader = stream.readable.getReader();
    for (let at = 0; at < 10_000; at += 1_000) {
      await target.polled();
      target.send(patternBytes(1_000, 1, at));
      expect((await readBytes(reader, 1_000)).equals(patternBytes(1_000, 1, at))).toBe(true);
    }
    const numbers = node.ops.filter(({ op }) => op === 'data').map(({ seq }) => seq);
    expect(numbers.slice(0, 5)).toEqual([0, 1, 2, 3, undefined]);
  });

  test('a peer that changes its mind with two ops in flight loses the stream: their order is not known', async () => {
    let echo = true;
    await using setup = fakeTunnel({ node: { echo: () => echo } });
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const reader = stream.readable.getReader();
    const target = await node.opened.next();
    await target.polled();
    target.send('active');
    await carrier.sent.at(3);
    await reader.read();
    echo = false;
    node.options.change = (reply, op) => {
      if (op.op !== 'data') return reply;
      const { seq: _dropped, ...rest } = reply;
      return rest;
    };
    await target.polled();
    target.send('whose turn?');
    await expect(reader.read()).rejects.toMatchObject({ code: 'SEQ_MISMATCH' });
    await expect(stream.closed).rejects.toMatchObject({ code: 'SEQ_MISMATCH' });
    expect(await node.closed.next()).toBe(target.sid);
  });

  test('a reply with another seq closes the stream', async () => {
    await using setup = fakeTunnel({
      node: { change: (reply, op) => (op.op === 'data' ? { ...reply, seq: 7 } : reply) },
    });
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    target.send('x');
    await expect(stream.closed).rejects.toMatchObject({ code: 'SEQ_MISMATCH' });
    expect(await node.closed.next()).toBe(target.sid);
  });

  test('an echoed seq without the capability is no leave to pipeline', async () => {
    await using setup = fakeTunnel({
      node: { caps: undefined, change: (reply, op) => (op.op === 'data' ? { ...reply, seq: 0 } : reply) },
    });
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    target.send('bytes');
    await readBytes(stream.readable.getReader(), 5);
    await target.polled();
    expect(node.ops.filter(({ seq }) => seq !== undefined)).toHaveLength(0);
  });

  test('capability bits that are not known are ignored, and so are unknown fields and batch fields', async () => {
    await using setup = fakeTunnel({ node: { caps: 0b1111_0001 } });
    const { tunnel, node, carrier } = setup;
    carrier.handle = async ({ run }) => {
      const r = (await run()).map((reply) => Object.assign(reply, { future: { deep: [1] }, zz: 1 }));
      return { ok: true, body: Buffer.from(JSON.stringify({ novelty: true, r, zr: 'x' })) };
    };
    const stream = await tunnel.connect({ host: 'h', port: 1, firstBytes: Buffer.from('hi') });
    const target = await node.opened.next();
    target.send('there');
    target.end();
    expect((await readToEnd(stream)).toString()).toBe('there');
    expect(target.bytes.toString()).toBe('hi');
  });

  test('legacy streams beside pipelined ones share no batch with them, and do not wait for them', async () => {
    await using setup = fakeTunnel({ batchWaitMs: 1_000 });
    const { tunnel, node, carrier } = setup;
    const modern = await tunnel.connect({ host: 'modern', port: 1 });
    const first = await node.opened.next();
    node.options.caps = undefined;
    const legacy = await tunnel.connect({ host: 'legacy', port: 1 });
    const second = await node.opened.next();
    // Every further batch of the modern stream is held; the legacy one goes on all the same.
    const gate = createGate();
    carrier.handle = async ({ ops }) => {
      if (ops.some(({ op, sid }) => op === 'data' && sid === first.sid)) await gate.opened;
      return undefined;
    };
    const modernWriter = modern.writable.getWriter();
    await modernWriter.write(Buffer.from('held'));
    const writer = legacy.writable.getWriter();
    const reader = legacy.readable.getReader();
    await writer.write(Buffer.from('ping'));
    await second.received.at(0);
    second.send('pong');
    expect((await readBytes(reader, 4)).toString()).toBe('pong');
    for (const { ops } of carrier.sent.all) {
      const sids = new Set(ops.filter(({ d }) => d !== undefined).map(({ sid }) => sid));
      expect(sids.has(first.sid) && sids.has(second.sid)).toBe(false);
    }
    gate.open();
    await first.received.at(0);
  });

  test('bytes that are no base64 end the stream that they are of, and no other', async () => {
    await using setup = fakeTunnel({
      node: {
        change: (reply, op) =>
          op.host === 'bad' || reply.d === encodeBase64(Buffer.from('spoil')) ? { ...reply, d: '*' } : reply,
      },
    });
    const { tunnel, node } = setup;
    const bad = await tunnel.connect({ host: 'bad', port: 1 });
    await expect(bad.closed).rejects.toMatchObject({ code: 'BASE64_INVALID' });
    const good = await tunnel.connect({ host: 'good', port: 1 });
    await node.opened.at(0);
    const target = await node.opened.at(1);
    await target.polled();
    target.send('fine');
    target.end();
    expect((await readToEnd(good)).toString()).toBe('fine');
  });

  test('a node that says that it does not know a stream cuts it: that is no end of the target', async () => {
    await using setup = fakeTunnel({
      node: { change: (reply, op) => (op.op === 'data' && reply.eof ? { ...reply, code: 'UNKNOWN_SID' } : reply) },
    });
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    node.targets.clear();
    target.end();
    await expect(readToEnd(stream)).rejects.toMatchObject({ code: 'UNKNOWN_SID' });
  });
});
