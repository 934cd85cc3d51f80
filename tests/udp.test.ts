/** UDP through SOCKS5: an echo, and dig. */
import { patternBytes, startTarget } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program, run } from './support/programs.js';
import { associate, startUdpLoan } from './support/socks5-udp.js';
import { type Stack, address, startStack } from './support/stack.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack?.close());

test('datagrams of all sizes come back from an echo as they were sent', async (context) => {
  const echo = await startTarget({ kind: 'udp-echo' });
  const association = await associate(address(stack.socks));
  context.onTestFinished(() => {
    association.close();
    return echo.close();
  });
  for (const [index, bytes] of [1, 512, 1200, 1472, 9000, 60_000].entries()) {
    const data = patternBytes(bytes, 40 + index);
    association.send('target.test', echo.port, data);
    const back = await association.received.next();
    expect(back.port).toBe(echo.port);
    expect(back.data.equals(data)).toBe(true);
  }
  expect(echo.datagrams.length).toBe(6);
});

test('one association reaches several targets, and answers say which', async (context) => {
  const association = await associate(address(stack.socks));
  const echoes = await Promise.all([1, 2, 3].map(() => startTarget({ kind: 'udp-echo' })));
  context.onTestFinished(async () => {
    association.close();
    for (const echo of echoes) await echo.close();
  });
  for (const { port } of echoes) association.send('127.0.0.1', port, Buffer.from(`to ${port}`));
  const answers = await Promise.all(echoes.map(() => association.received.next()));
  const heard = answers.map(({ host, port, data }) => `${host} ${port} ${data.toString()}`);
  expect(heard.sort()).toEqual(echoes.map(({ port }) => `127.0.0.1 ${port} to ${port}`).sort());
});

test('the end of the TCP connection closes the flows at the node', async () => {
  const echo = await startTarget({ kind: 'udp-echo' });
  const association = await associate(address(stack.socks));
  association.send('target.test', echo.port, Buffer.from('hello'));
  await association.received.next();
  const closed = new Promise<void>((resolve) => {
    const stop = stack.node.events.subscribe((event) => {
      if (event.event !== 'closed' || event.kind !== 'flow') return;
      stop();
      resolve();
    });
  });
  association.close();
  await closed;
  await association.ended;
  await echo.close();
});

test('dig gets its answers', async (context) => {
  const dig = program(context, 'dig');
  const dns = await startTarget({
    kind: 'dns',
    records: { 'www.millrace.test': ['192.0.2.80', '2001:db8::80'], 'text.millrace.test': ['a mill race'] },
  });
  const association = await associate(address(stack.socks));
  const loan = await startUdpLoan(association, { host: 'target.test', port: dns.port });
  context.onTestFinished(() => {
    loan.close();
    association.close();
    return dns.close();
  });
  const ask = (...question: string[]) =>
    run(dig, ['@127.0.0.1', '-p', String(loan.port), '+tries=1', '+timeout=100', ...question], context);
  expect(await ask('+short', 'www.millrace.test', 'A')).toMatchObject({ code: 0, text: '192.0.2.80\n' });
  expect(await ask('+short', 'www.millrace.test', 'AAAA')).toMatchObject({ code: 0, text: '2001:db8::80\n' });
  expect(await ask('+short', 'text.millrace.test', 'TXT')).toMatchObject({ code: 0, text: '"a mill race"\n' });
  expect((await ask('nothing.millrace.test')).text).toContain('status: NXDOMAIN');
  expect(dns.datagrams.length).toBe(4);
});
