/** A browser through the SOCKS5 proxy: a page with 50 resources, each checked in the page. */
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listenLocally } from '@millrace/testkit';
import { type BrowserContext, chromium } from 'playwright-core';
import { program, temporaryFolder } from './support/programs.js';
import { type Stack, startStack } from './support/stack.js';

const SCRIPTS = 20;
const STYLES = 10;
const IMAGES = 20;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack?.close());

test('a page with 50 resources is whole', async (context) => {
  const requests: string[] = [];
  const server = await listenLocally((request, response) => {
    requests.push(request.url ?? '');
    const [type, body] = resource(request.url ?? '');
    response.writeHead(body === '' ? 404 : 200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
    response.end(body);
  });
  context.onTestFinished(() => server.close());
  const browser = await startBrowser(context);
  const page = await browser.newPage();
  const failures: string[] = [];
  page.on('requestfailed', (request) => failures.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('pageerror', (error) => failures.push(error.message));

  // Only the node can resolve this name.
  await page.goto(`http://page.test:${new URL(server.origin).port}/`, { waitUntil: 'load', timeout: 100_000 });
  const seen = await page.evaluate(readPage, { STYLES });
  expect(failures).toEqual([]);
  expect(seen).toEqual({
    scripts: Array.from({ length: SCRIPTS }, (_, i) => scriptValue(i)),
    styles: Array.from({ length: STYLES }, (_, i) => styleValue(i)),
    images: Array.from({ length: IMAGES }, (_, i) => imageWidth(i)),
  });
  const distinct = new Set(requests.filter((url) => /^\/(?:script|style|image)\//.test(url)));
  expect(distinct.size).toBe(SCRIPTS + STYLES + IMAGES);
});

async function startBrowser(context: TestContext): Promise<BrowserContext> {
  const executablePath = program(context, 'chromium');
  const folder = await temporaryFolder(context);
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath,
    headless: true,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--proxy-server=socks5://${stack.socks}`,
      // Chromium goes round a proxy for loopback unless this is said.
      '--proxy-bypass-list=<-loopback>',
    ],
  });
  context.onTestFinished(() => browser.close());
  return browser;
}

/** What stands in the page, as the browser has it. Runs there. */
function readPage({ STYLES }: { STYLES: number }): { scripts: string[]; styles: string[]; images: number[] } {
  interface Page {
    loaded: string[];
    document: { images: ArrayLike<{ naturalWidth: number }>; documentElement: unknown };
    getComputedStyle(element: unknown): { getPropertyValue(name: string): string };
  }
  const page = globalThis as unknown as Page;
  const style = page.getComputedStyle(page.document.documentElement);
  return {
    scripts: page.loaded,
    styles: Array.from({ length: STYLES }, (_, i) => style.getPropertyValue(`--style-${i}`).trim()),
    images: Array.from(page.document.images, ({ naturalWidth }) => naturalWidth),
  };
}

/** Values that only a whole resource brings: they stand at its end. */
const scriptValue = (i: number): string => `script ${i}: ${'s'.repeat(i)}`;
const styleValue = (i: number): string => `${100 + i}px`;
const imageWidth = (i: number): number => 10 + i;

/** Type and body of a resource; each is some tens of kilobytes. */
function resource(url: string): [type: string, body: string] {
  const [, kind, number] = url.split('/');
  const i = Number(number);
  const filling = 'a mill race carries fast water round a dam '.repeat(500 + 50 * i);
  switch (kind) {
    case '':
      return ['text/html; charset=utf-8', html()];
    case 'script':
      return ['text/javascript', `/* ${filling} */ globalThis.loaded[${i}] = ${JSON.stringify(scriptValue(i))};`];
    case 'style':
      return ['text/css', `/* ${filling} */ :root { --style-${i}: ${styleValue(i)}; }`];
    case 'image':
      return [
        'image/svg+xml',
        `<!-- ${filling} --><svg xmlns="http://www.w3.org/2000/svg" width="${imageWidth(i)}" height="5"/>`,
      ];
    default:
      return ['text/plain', ''];
  }
}

function html(): string {
  const each = (count: number, tag: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => tag(i)).join('\n');
  return `<!doctype html>
<title>Fifty resources</title>
<link rel="icon" href="data:,">
<script>globalThis.loaded = [];</script>
${each(STYLES, (i) => `<link rel="stylesheet" href="/style/${i}">`)}
${each(SCRIPTS, (i) => `<script src="/script/${i}"></script>`)}
${each(IMAGES, (i) => `<img src="/image/${i}" alt="">`)}
`;
}
