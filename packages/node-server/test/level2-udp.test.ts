import { describe, expect, test } from 'vitest';
import { eventually, quiet } from './support/eventually.js';
import { addClient, settled, startLevel2 } from './support/level2-node.js';
import { startClockedNode } from './support/node.js';
import { startUdpTarget } from './support/target.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('one flow', () => {
  test('reaches any number of targets, IPv4 and IPv6, and tells whose answer is whose', async () => {
    const { client, node } = await startLevel2();
    const targets = [await startUdpTarget(), await startUdpTarget(), await startUdpTarget('::1')];
    const flow = client.openFlow();
    for (const [index, { port }] of targets.entries())
      flow.send(`to ${index}`, port, index === 2 ? '::1' : '127.0.0.1');
    const answers = new Map<string, string>();
    for (const [index, target] of targets.entries()) {
      const { data, reply } = await target.next();
      expect(data.toString()).toBe(`to ${index}`);
      await reply(`from ${index}`);
      const { d, host, port } = await flow.next();
      answers.set(`${host} ${port}`, text(d));
    }
    expect(Object.fromEntries(answers)).toEqual({
      [`127.0.0.1 ${targets[0]!.port}`]: 'from 0',
      [`127.0.0.1 ${targets[1]!.port}`]: 'from 1',
      [`::1 ${targets[2]!.port}`]: 'from 2',
    });
    expect(node.stats()).toMatchObject({ flows: 1, streams: 0, level2Channels: 1 });
    flow.close();
    await eventually(() => node.stats().flows === 0);
  });

  test('sends what names no target to the target that it was opened with', async () => {
    const { client } = await startLevel2();
    const target = await startUdpTarget();
    client.openFlow(target.port).send('hello');
    expect((await target.next()).data.toString()).toBe('hello');
  });

  test('sends a datagram once, however often its request comes, and drops none of the largest', async () => {
    const { client, node } = await startLevel2({}, { fate: () => 'again' });
    const target = await startUdpTarget();
    const flow = client.openFlow(target.port);
    const large = Buffer.alloc(65_507, 7);
    flow.send(large);
    expect((await target.next()).data).toEqual(large);
    for (let n = 0; n < 5; n++) flow.send(`number ${n}`);
    for (let n = 0; n < 5; n++) expect((await target.next()).data.toString()).toBe(`number ${n}`);
    expect(node.stats()).toMatchObject({ flows: 1 });
  });

  test('hears only those that were sent to', async () => {
    const { client } = await startLevel2();
    const target = await startUdpTarget();
    const stranger = await startUdpTarget();
    const flow = client.openFlow(target.port);
    flow.send('hello');
    const { from, reply } = await target.next();
    await stranger.send('listen to me', from.port);
    await reply('first');
    expect(text((await flow.next()).d)).toBe('first');
    flow.send('hello', stranger.port, '127.0.0.1');
    await (await stranger.next()).reply('second');
    expect(text((await flow.next()).d)).toBe('second');
  });

  test('forgets whom it sent to longest ago when there are too many', async () => {
    const { client } = await startLevel2({}, {}, { limits: { maxFlowPeers: 2 } });
    const targets = [await startUdpTarget(), await startUdpTarget(), await startUdpTarget()];
    const flow = client.openFlow();
    const heard = [];
    for (const target of targets) {
      flow.send('hello', target.port, '127.0.0.1');
      heard.push(await target.next());
    }
    await heard[0]!.reply('forgotten');
    await heard[2]!.reply('known');
    expect(text((await flow.next()).d)).toBe('known');
  });

  test('is kept by what is sent, also when nobody answers', async () => {
    const test = await startClockedNode({ flowIdleSeconds: 60 });
    const client = await addClient(test, { clock: test.clock });
    const target = await startUdpTarget();
    const flow = client.openFlow(target.port);
    for (let n = 0; n < 4; n++) {
      flow.send(`number ${n}`);
      const heard: string[] = [];
      void target.next().then(({ data }) => heard.push(data.toString()));
      while (heard.length === 0) {
        await quiet();
        test.clock.advance(20);
      }
      expect(heard).toEqual([`number ${n}`]);
      for (let second = 0; second < 40; second += 5) {
        await settled(test, client);
        test.clock.advance(5_000);
      }
    }
    expect(test.node.stats().flows).toBe(1);
  });

  test('is closed when nothing is sent or heard for long enough, and its client is told', async () => {
    const test = await startClockedNode({ flowIdleSeconds: 60 });
    const client = await addClient(test, { clock: test.clock });
    const target = await startUdpTarget();
    const flow = client.openFlow(target.port);
    flow.send('hello');
    await target.next();
    for (let second = 0; second < 60; second += 5) {
      await settled(test, client);
      test.clock.advance(5_000);
    }
    expect(test.node.stats().flows).toBe(0);
    expect(test.events).toContainEqual(
      expect.objectContaining({ event: 'closed', kind: 'flow', code: 'STREAM_CLOSED' }),
    );
    // What the client is told lingers a little.
    const ended: string[] = [];
    void flow.end.then((code) => ended.push(code));
    while (ended.length === 0) {
      await quiet();
      test.clock.advance(20);
    }
    expect(ended).toEqual(['STREAM_CLOSED']);
  });
});

describe('the policy', () => {
  test('is asked for every datagram: what it denies is dropped and counted, and the flow goes on', async () => {
    const { client, events } = await startLevel2({ denyPorts: [53] });
    const target = await startUdpTarget();
    const flow = client.openFlow(target.port);
    flow.send('no', 53, '127.0.0.1');
    flow.send('never', 80, '169.254.169.254');
    flow.send('not a host', 80, 'not a host');
    flow.send('yes');
    expect((await target.next()).data.toString()).toBe('yes');
    expect(events.filter(({ event }) => event === 'dropped')).toEqual([
      { event: 'dropped', id: 1, code: 'POLICY_DENIED', count: 2 },
      { event: 'dropped', id: 1, code: 'DIAL_NAME_NOT_FOUND', count: 1 },
    ]);
  });

  test('is asked about the address that a name stands for', async () => {
    const lookups: string[] = [];
    const { client, events } = await startLevel2({
      allowPrivate: false,
      lookup: async (name) => {
        lookups.push(name);
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const target = await startUdpTarget();
    const flow = client.openFlow(target.port, 'rebinding.example.org');
    flow.send('one');
    flow.send('two');
    await eventually(() => lookups.length > 0);
    await quiet();
    flow.send('three');
    await eventually(() => events.filter(({ event }) => event === 'dropped').length > 0);
    expect(lookups).toEqual(['rebinding.example.org']);
    expect(events.filter(({ event }) => event === 'dropped')).toEqual([
      { event: 'dropped', id: 1, code: 'POLICY_DENIED', count: 3 },
    ]);
  });
});

describe('names', () => {
  test('are resolved once for all their datagrams, and nobody waits for another one', async () => {
    const lookups: string[] = [];
    let answer: () => void = () => {};
    const { client } = await startLevel2({
      lookup: (name) => {
        lookups.push(name);
        return new Promise((resolve) => {
          const found = [{ address: '127.0.0.1', family: 4 as const }];
          if (name === 'slow.example.org') answer = () => resolve(found);
          else resolve(found);
        });
      },
    });
    const target = await startUdpTarget();
    const flow = client.openFlow();
    flow.send('slow', target.port, 'slow.example.org');
    flow.send('quick', target.port, 'quick.example.org');
    flow.send('quick', target.port, 'quick.example.org');
    for (let n = 0; n < 2; n++) expect((await target.next()).data.toString()).toBe('quick');
    answer();
    expect((await target.next()).data.toString()).toBe('slow');
    flow.send('at once', target.port, 'SLOW.example.org.');
    expect((await target.next()).data.toString()).toBe('at once');
    expect(lookups).toEqual(['slow.example.org', 'quick.example.org']);
  });

  test('that do not resolve cost a bounded number of waiting datagrams', async () => {
    const { client, node, events } = await startLevel2(
      { lookup: () => new Promise(() => {}) },
      {},
      { limits: { maxFlowResolving: 4, maxNameLookups: 2 } },
    );
    const target = await startUdpTarget();
    const flow = client.openFlow(target.port);
    for (let n = 0; n < 10; n++) flow.send('x'.repeat(1_000), 9, `slow${n % 3}.example.org`);
    flow.send('past them all');
    expect((await target.next()).data.toString()).toBe('past them all');
    await quiet();
    flow.send('and again');
    await target.next();
    const dropped = events.flatMap((event) => (event.event === 'dropped' ? [event] : []));
    expect(dropped.every(({ code }) => code === 'QUEUE_FULL')).toBe(true);
    expect(dropped.reduce((sum, { count }) => sum + count, 0)).toBe(6);
    expect(node.stats().bufferedBytes).toBeLessThan(100_000);
  });
});
