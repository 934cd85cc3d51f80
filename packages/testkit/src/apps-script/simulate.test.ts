import { afterEach, describe, expect, test } from 'vitest';
import { createGate } from '../gate.js';
import { listenLocally } from '../listen.js';
import { readAll } from '../read-all.js';
import { existingScript } from './existing-script.js';
import { simulateAppsScript } from './simulate.js';
import type { SimulatedAppsScript, SimulatedAppsScriptOptions } from './types.js';

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function deploy(source: string, options?: SimulatedAppsScriptOptions): Promise<SimulatedAppsScript> {
  const script = await simulateAppsScript(source, options);
  cleanups.push(() => script.close());
  return script;
}

async function startNode(
  answer: (body: Buffer, path: string) => string | Promise<string>,
  status = 200,
): Promise<string> {
  const node = await listenLocally(async (request, response) => {
    const reply = await answer(await readAll(request), request.url ?? '');
    response.writeHead(status).end(reply);
  });
  cleanups.push(() => node.close());
  return node.origin;
}

const post = (url: string, body: string | Uint8Array): Promise<Response> => fetch(url, { method: 'POST', body });

const ECHO = `function doPost(e) { return ContentService.createTextOutput(e.postData.contents); }`;

describe('a simulated Apps Script', () => {
  test('answers by a 302 to another host that serves the text once, by GET', async () => {
    const script = await deploy(ECHO);
    const first = await fetch(script.url, { method: 'POST', body: 'héllo', redirect: 'manual' });
    expect(first.status).toBe(302);
    const location = first.headers.get('location')!;
    expect(new URL(location).host).not.toBe(new URL(script.url).host);
    expect((await post(location, 'x')).status).toBe(405);
    const second = await fetch(location);
    expect(await second.text()).toBe('héllo');
    expect(second.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect((await fetch(location)).status).toBe(404);
  });

  test('mangles bytes that are not text, and passes text of any length', async () => {
    const script = await deploy(ECHO);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const back = new Uint8Array(await (await post(script.url, bytes)).arrayBuffer());
    expect(Buffer.from(back).equals(Buffer.from(bytes))).toBe(false);
    expect(Buffer.from(back).includes('\uFFFD')).toBe(true);
    const text = 'A'.repeat(4_000_000);
    expect(await (await post(script.url, text)).text()).toBe(text);
  });

  test('gives parameters, not headers', async () => {
    const script = await deploy(`
      function doPost(e) { return ContentService.createTextOutput(JSON.stringify(e)).setMimeType(ContentService.MimeType.JSON); }
      function doGet(e) { return doPost(e); }
    `);
    const reply = await fetch(`${script.url}?token=a%26b&x=1&x=2`, {
      method: 'POST',
      body: '{}',
      headers: { secret: 's' },
    });
    const event = (await reply.json()) as Record<string, unknown>;
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(event).toMatchObject({ parameter: { token: 'a&b', x: '1' }, parameters: { x: ['1', '2'] } });
    expect(event).toMatchObject({ postData: { contents: '{}', length: 2 }, queryString: 'token=a%26b&x=1&x=2' });
    expect(JSON.stringify(event)).not.toContain('secret');
    expect(await (await fetch(script.url)).json()).not.toHaveProperty('postData');
  });

  test('keeps properties over executions, and no globals', async () => {
    const script = await deploy(
      `var count = 0;
       function doPost(e) {
         count += 1;
         var store = PropertiesService.getScriptProperties();
         store.setProperty('runs', Number(store.getProperty('runs')) + 1);
         return ContentService.createTextOutput(count + ' ' + store.getProperty('runs') + ' ' + store.getProperty('none'));
       }`,
      { properties: { runs: '5' } },
    );
    expect(await (await post(script.url, '')).text()).toBe('1 6 null');
    expect(await (await post(script.url, '')).text()).toBe('1 7 null');
  });

  test('encodes and decodes base64 with signed bytes', async () => {
    const script = await deploy(`function doPost(e) {
      var bytes = Utilities.base64Decode('AP9/gA==');
      var bad; try { Utilities.base64Decode('%%'); } catch (error) { bad = error instanceof Error; }
      return ContentService.createTextOutput(JSON.stringify([
        bytes, Utilities.base64Encode(bytes), Utilities.base64Encode('é'), bad,
        Utilities.newBlob(Utilities.base64Decode('w6k=')).getDataAsString()]));
    }`);
    expect(await (await post(script.url, '')).json()).toEqual([[0, -1, 127, -128], 'AP9/gA==', 'w6k=', true, 'é']);
  });

  test('shows a failed run as an HTML page with status 200', async () => {
    for (const [source, message] of [
      [`function doPost() { throw new Error('<boom>'); }`, 'Error: &lt;boom>'],
      [`function doPost() { return 'text'; }`, 'not a supported return type'],
      [`function other() {}`, 'Script function not found: doPost'],
      [`syntax error`, 'SyntaxError'],
    ] as const) {
      const script = await deploy(source);
      const reply = await post(script.url, '');
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toContain('text/html');
      expect(await reply.text()).toContain(message);
      expect(script.executions[0]?.error).toBeDefined();
    }
  });

  test('fetches synchronously, and runs executions beside each other', async () => {
    const gate = createGate();
    const node = await startNode(async (body) => {
      if (body.toString() === 'slow') await gate.opened;
      return `<${body.toString()}>`;
    });
    const script = await deploy(`function doPost(e) {
      var reply = UrlFetchApp.fetch('${node}/x', { method: 'post', contentType: 'text/plain', payload: e.postData.contents });
      return ContentService.createTextOutput(reply.getResponseCode() + reply.getContentText());
    }`);
    const slow = post(script.url, 'slow');
    const quick = await Promise.all(['a', 'b', 'c'].map(async (body) => (await post(script.url, body)).text()));
    expect(quick).toEqual(['200<a>', '200<b>', '200<c>']);
    gate.open();
    expect(await (await slow).text()).toBe('200<slow>');
    expect(script.executions).toHaveLength(4);
    const [request] = (await script.execution(3)).fetches;
    expect(request).toMatchObject({ url: `${node}/x`, method: 'POST', contentType: 'text/plain', status: 200 });
    expect(request?.payload.toString()).toBe('slow');
    expect(request?.response.toString()).toBe('<slow>');
  });

  test('runs no more executions than it may', async () => {
    const gate = createGate();
    const started = createGate();
    const node = await startNode(async () => {
      started.open();
      await gate.opened;
      return 'done';
    });
    const script = await deploy(
      `function doPost() { return ContentService.createTextOutput(UrlFetchApp.fetch('${node}').getContentText()); }`,
      { maxExecutions: 1 },
    );
    const first = post(script.url, '');
    await started.opened;
    expect(await (await post(script.url, '')).text()).toContain('too many times in a short time');
    gate.open();
    expect(await (await first).text()).toBe('done');
    expect(await (await post(script.url, '')).text()).toBe('done');
  });

  test('throws what the platform throws', async () => {
    const failing = await startNode(() => 'page', 500);
    const script = await deploy(
      `function doPost(e) {
        try { return ContentService.createTextOutput(UrlFetchApp.fetch(e.postData.contents).getContentText()); }
        catch (error) { return ContentService.createTextOutput('caught ' + (error instanceof Error) + ' ' + error.message); }
      }`,
      { failFetch: ({ index }) => (index === 3 ? 'Service invoked too many times for one day: urlfetch.' : undefined) },
    );
    const said = async (url: string): Promise<string> => (await post(script.url, url)).text();
    expect(await said('http://127.0.0.1:1/')).toBe('caught true Address unavailable: http://127.0.0.1:1/');
    expect(await said('nonsense')).toBe('caught true Invalid argument: nonsense');
    expect(await said(failing)).toContain('returned code 500. Truncated server response: page');
    expect(await said(failing)).toContain('too many times for one day');
  });

  test('follows redirects of a fetch unless told not to, and fetches several at once', async () => {
    const last = await startNode((body, path) => `${path} ${body.length}`);
    const redirecting = await listenLocally((_request, response) => {
      response.writeHead(302, { location: `${last}/moved` }).end();
    });
    cleanups.push(() => redirecting.close());
    const script = await deploy(`function doPost() {
      var manual = UrlFetchApp.fetch('${redirecting.origin}', { followRedirects: false });
      var all = UrlFetchApp.fetchAll(['${redirecting.origin}', { url: '${last}/b', method: 'put', payload: { a: 'ä' } }]);
      return ContentService.createTextOutput(JSON.stringify([manual.getResponseCode(), manual.getHeaders().location].concat(
        all.map(function (reply) { return reply.getContentText(); }))));
    }`);
    expect(await (await post(script.url, '')).json()).toEqual([302, `${last}/moved`, '/moved 0', '/b 8']);
  });
});

test('an existing script checks its key, sends only {k, ops} and hands back only {r} or {e}', async () => {
  const seen: string[] = [];
  let status = 200;
  const node = await listenLocally(async (request, response) => {
    seen.push(`${request.url} ${(await readAll(request)).toString()}`);
    response.writeHead(status).end('{"r":[{"sid":"s","caps":1}],"extra":true}');
  });
  cleanups.push(() => node.close());
  const script = await deploy(existingScript({ node: node.origin, scriptKey: 'script-key', nodeKey: 'node-key' }));
  const ask = async (body: string): Promise<string> => (await post(script.url, body)).text();
  const ops = '[{"op":"connect","host":"example.org","port":443}]';
  expect(await ask(`{"k":"script-key","t":"batch","ops":${ops},"caps":3,"cid":"AA=="}`)).toBe(
    '{"r":[{"sid":"s","caps":1}]}',
  );
  expect(seen).toEqual([`/tunnel/batch {"k":"node-key","ops":${ops}}`]);
  expect(await ask(`{"k":"wrong","t":"batch","ops":${ops}}`)).toBe('{"e":"unauthorized"}');
  expect(await ask(`{"k":"script-key","ops":${ops}}`)).toBe('{"e":"unknown request"}');
  expect(await ask('not json')).toContain('{"e":"SyntaxError');
  expect(seen).toHaveLength(1);
  status = 404;
  expect(await ask(`{"k":"script-key","t":"batch","ops":[]}`)).toBe('{"e":"node answered 404"}');
});
