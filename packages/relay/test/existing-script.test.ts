/**
 * Golden: what a script of the existing kind makes of a batch with every op. It shows its own key, it sends the node only
 * `{k, ops}`, it hands back only `r`; a client must live with both rewrites.
 */
import { existingScript, simulateAppsScript } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import { renderAppsScript } from '../src/apps-script/index.js';
import { startRelay } from '../src/node/index.js';
import { TOKEN } from './compliance.js';
import { answerJson, startFakeNode } from './fake-node.js';

const OPS = [
  '{"op":"connect","host":"example.org","port":443}',
  '{"op":"connect_data","host":"[2001:db8::1]","port":80,"d":"R0VUIC8gSFRUUC8xLjENCg0K"}',
  '{"op":"data","sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c001"}',
  '{"op":"data","sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c002","d":"AP8+/w==","seq":9007199254740991}',
  '{"op":"data","sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c003","d":"YQ==","wseq":0}',
  '{"op":"udp_open","host":"münchen.example","port":53,"d":"AAE="}',
  '{"op":"udp_data","sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c004","d":"AAI="}',
  '{"op":"close","sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c001"}',
  '{"op":"version"}',
  '{"op":"of-a-later-version","extra":{"a":[1,null,true]}}',
].join(',');

const REPLIES = [
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c001","caps":1}',
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c005","d":"SFRUUC8xLjEgMjAwIE9LDQo=","caps":1}',
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c001","eof":true}',
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c002","d":"AP8=","seq":9007199254740991}',
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c003"}',
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c006","pkts":["AAE=","AAI="]}',
  '{"e":"no such flow","code":"UNKNOWN_SID"}',
  '{"sid":"6f1c0c52-4c0e-4d55-9a62-0d2f4be1c001"}',
  '{"caps":1,"v":"0.1.0","node":"n","now":1700000000000}',
  '{"e":"unknown op","code":"UNSUPPORTED_OP"}',
].join(',');

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('both rewrites of a script of the existing kind, byte for byte', async () => {
  const node = await startFakeNode(answerJson(`{"r":[${REPLIES}],"later":{"field":1}}`));
  const source = existingScript({ node: node.origin, scriptKey: 'key-of-the-script', nodeKey: 'key-of-the-node' });
  const script = await simulateAppsScript(source);
  cleanups.push(
    () => node.close(),
    () => script.close(),
  );

  const toScript = `{"k":"key-of-the-script","t":"batch","ops":[${OPS}],"caps":3,"cid":"AAECAwQFBgcICQoLDA0ODw=="}`;
  const response = await fetch(script.url, { method: 'POST', body: toScript });
  const toClient = Buffer.from(await response.arrayBuffer());

  const [execution] = script.executions;
  expect(execution?.received.toString()).toBe(toScript);
  const [toNode] = node.seen.all;
  expect(`${toNode?.method} ${toNode?.url}`).toBe('POST /tunnel/batch');
  expect(toNode?.body.toString()).toBe(`{"k":"key-of-the-node","ops":[${OPS}]}`);
  expect(toClient.toString()).toBe(`{"r":[${REPLIES}]}`);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
});

test('an error of the node, or another answer than a batch, comes back as {e}', async () => {
  let answer = '{"e":"draining","code":"NODE_BUSY"}';
  const node = await startFakeNode((_request, response) => void response.end(answer));
  const script = await simulateAppsScript(existingScript({ node: node.origin, scriptKey: 's', nodeKey: 'n' }));
  cleanups.push(
    () => node.close(),
    () => script.close(),
  );
  const ask = async (): Promise<string> =>
    (await fetch(script.url, { method: 'POST', body: '{"k":"s","t":"batch","ops":[]}' })).text();
  expect(await ask()).toBe('{"e":"draining"}');
  answer = '<html>';
  expect(await ask()).toMatch(/^\{"e":"SyntaxError/);
});

test('relays of this project change nothing on the way, not even order or white space', async () => {
  const toRelay = `{ "k" : "key-of-the-node",\n"t":"batch","ops":[${OPS}],"caps":3}`;
  const fromNode = `{ "r" : [${REPLIES}],\n"later":{"field":1}}`;
  const node = await startFakeNode(answerJson(fromNode));
  cleanups.push(() => node.close());
  const relay = await startRelay({ listen: '127.0.0.1:0', node: node.origin, token: TOKEN });
  const script = await simulateAppsScript(renderAppsScript({ node: node.origin, token: TOKEN }));
  cleanups.push(
    () => relay.close(),
    () => script.close(),
  );
  for (const [i, url] of [relay.url, script.url].entries()) {
    const response = await fetch(`${url}?token=${TOKEN}`, { method: 'POST', body: toRelay });
    expect(await response.text()).toBe(fromNode);
    expect(node.seen.all[i]?.body.toString()).toBe(toRelay);
  }
});
