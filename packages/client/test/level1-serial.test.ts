/** The serial loop: a peer without the capability gets one op of a stream at a time. */
import { describe, expect, test } from 'vitest';
import { PatternChecker, patternBytes } from '@millrace/testkit';
import { eventOf, fakeTunnel, readBytes, readToEnd, type FakeSetup } from './support/setup.js';

/** A node as they were before `seq`. */
function serialTunnel(options: Parameters<typeof fakeTunnel>[0] = {}): FakeSetup {
  return fakeTunnel({ level: '1', ...options, node: { caps: undefined, version: undefined, ...options.node } });
}

describe('serial loop', () => {
  test('bytes pass both ways in order, one op at a time, and no op has a seq', async () => {
    await using setup = serialTunnel();
    const { tunnel, node } = setup;
    let running = 0;
    node.options.before = async (op) => {
      if (op.op !== 'data') return;
      running += 1;
      expect(running).toBe(1);
      expect(op.seq).toBeUndefined();
    };
    node.options.change = (reply, op) => {
      if (op.op === 'data') running -= 1;
      return reply;
    };
    const stream = await tunnel.connect({ host: 'example.org', port: 443 });
    const target = await node.opened.next();
    const upload = patternBytes(700_000, 1);
    const writer = stream.writable.getWriter();
    const written = writer.write(upload).then(() => writer.close());
    const download = patternBytes(500_000, 2);
    const reader = stream.readable.getReader();
    for (let at = 0; at < download.length; at += 50_000) {
      target.send(download.subarray(at, at + 50_000));
      new PatternChecker(2, at).push(await readBytes(reader, 50_000));
    }
    await written;
    target.end();
    expect((await reader.read()).done).toBe(true);
    await stream.closed;
    expect(target.bytes.equals(upload)).toBe(true);
    expect(await node.closed.next()).toBe(target.sid);
  });

  test('what is written while a poll is out waits for its answer', async () => {
    await using setup = serialTunnel();
    const { tunnel, node, carrier } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    await target.polled();
    const writer = stream.writable.getWriter();
    await writer.write(Buffer.from('one '));
    await writer.write(Buffer.from('two'));
    expect(carrier.inFlight).toBe(1);
    target.release();
    expect(Buffer.from(await target.received.next()).toString()).toBe('one two');
    expect(node.ops.map(({ op, d }) => (d === undefined ? op : `${op}+`))).toEqual([
      'version',
      'connect',
      'data',
      'data+',
    ]);
  });

  test('a node that shows no capability is never sent seq, caps or cid', async () => {
    await using setup = serialTunnel();
    const { tunnel, node, carrier } = setup;
    await tunnel.connect({ host: 'example.org', port: 443 });
    const target = await node.opened.next();
    const poll = await carrier.sent.at(1);
    expect(Buffer.from(poll.body).toString()).toBe(`{"k":"${poll.key}","ops":[{"op":"data","sid":"${target.sid}"}]}`);
    expect(Buffer.from((await carrier.sent.at(0)).body).toString()).toBe(
      `{"k":"${poll.key}","ops":[{"op":"connect","host":"example.org","port":443}]}`,
    );
  });

  test('a local half-close ends uploads, and polls go on until the target ends', async () => {
    await using setup = serialTunnel();
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1, firstBytes: Buffer.from('GET') });
    const target = await node.opened.next();
    await stream.writable.close();
    target.send('half ');
    const reader = stream.readable.getReader();
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('half ');
    expect(target.closed).toBe(false);
    target.send('closed');
    target.end();
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('closed');
    expect((await reader.read()).done).toBe(true);
    await stream.closed;
    await node.closed.next();
    expect(target.closed).toBe(true);
  });

  test('a target that ends first still gets what the application writes afterwards', async () => {
    await using setup = serialTunnel();
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    target.end();
    expect(await readToEnd(stream)).toHaveLength(0);
    const writer = stream.writable.getWriter();
    await writer.write(Buffer.from('still '));
    await writer.write(Buffer.from('here'));
    await writer.close();
    await stream.closed;
    expect(target.bytes.toString()).toBe('still here');
    expect(await node.closed.next()).toBe(target.sid);
  });

  test('an error reply ends the stream with its code, after the bytes that came with it', async () => {
    await using setup = serialTunnel();
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    const target = await node.opened.next();
    target.send('last words');
    target.fail('connection reset by peer', 'TARGET_RESET');
    const reader = stream.readable.getReader();
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('last words');
    await expect(reader.read()).rejects.toMatchObject({ code: 'TARGET_RESET' });
    await expect(stream.closed).rejects.toMatchObject({ code: 'TARGET_RESET' });
    const closed = await eventOf(setup, 'closed');
    expect(closed).toMatchObject({ code: 'TARGET_RESET', bytesDown: 10 });
  });

  test('words of an older node become codes', async () => {
    await using setup = serialTunnel();
    const { tunnel, node } = setup;
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    (await node.opened.next()).fail('write: broken pipe');
    await expect(stream.closed).rejects.toMatchObject({ code: 'TARGET_RESET' });
    node.options.dial = () => ({ e: 'dial tcp: connect: connection refused' });
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'DIAL_REFUSED' });
  });

  test('a node that does not know connect_data gets connect, then the bytes', async () => {
    await using setup = serialTunnel({ node: { unknownOps: ['connect_data'] } });
    const { tunnel, node } = setup;
    for (const text of ['first stream', 'second stream']) {
      const stream = await tunnel.connect({ host: 'h', port: 1, firstBytes: [Buffer.from(text)] });
      const target = await node.opened.next();
      await target.received.at(0);
      expect(target.open.op).toBe('connect');
      expect(target.bytes.toString()).toBe(text);
      stream.reset();
    }
    // It is asked once, and remembered.
    expect(node.ops.filter(({ op }) => op === 'connect_data')).toHaveLength(1);
  });
});
