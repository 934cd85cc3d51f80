import { simulateAppsScript } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { renderAppsScript } from '../src/apps-script/index.js';
import { RelayError } from '../src/errors.js';
import { testCompliance, TOKEN } from './compliance.js';

describe('the Apps Script relay', () => {
  testCompliance({
    carries: 'text',
    statuses: false,
    async start(options) {
      const script = await simulateAppsScript(renderAppsScript(options));
      return {
        ask: (query, init) => fetch(`${script.url}?${query}`, init),
        close: () => script.close(),
      };
    },
  });

  const cleanups: Array<() => unknown> = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  test.each([
    ['Service invoked too many times for one day: urlfetch.', 'RELAY_QUOTA_DAY'],
    [
      'Bandwidth quota exceeded: http://for-one-day.example. Try reducing the rate of data transfer.',
      'RELAY_QUOTA_DAY',
    ],
    ['Service invoked too many times in a short time: urlfetch. Try Utilities.sleep(1000).', 'RELAY_QUOTA_RATE'],
    ['Timeout: http://node.example/tunnel/batch', 'RELAY_TIMEOUT'],
    ['DNS error: http://timeout.example/tunnel/batch', 'RELAY_NODE_DOWN'],
    ['Address unavailable: http://node.example/tunnel/batch', 'RELAY_NODE_DOWN'],
    ['Unexpected error: http://node.example/tunnel/batch', 'RELAY_TRUNCATED'],
    ['Something new', 'RELAY_TRUNCATED'],
  ])('an exception "%s" becomes %s', async (message, code) => {
    const source = renderAppsScript({ node: 'http://node.example', token: TOKEN });
    const script = await simulateAppsScript(source, { failFetch: () => message });
    cleanups.push(() => script.close());
    const response = await fetch(`${script.url}?token=${TOKEN}`, { method: 'POST', body: '{}' });
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code });
    expect(text).not.toContain('example');
  });

  test('the token is checked before anything is fetched', async () => {
    const script = await simulateAppsScript(renderAppsScript({ node: 'http://node.example', token: TOKEN }));
    cleanups.push(() => script.close());
    await (await fetch(`${script.url}?token=wrong`, { method: 'POST', body: '{}' })).text();
    expect((await script.execution(0)).fetches).toEqual([]);
  });
});

describe('the text of the file', () => {
  const odd = `"';\n</script>*/\u2028\u{1f511}$&$1__MILLRACE_NODE__\\${'x'.repeat(30)}`;

  test('holds address and token as they are, whatever is in them', async () => {
    const source = renderAppsScript({ node: 'https://node.example:8443/base/', token: odd });
    expect(source).toContain('var MILLRACE_NODE = "https://node.example:8443/base/tunnel/batch";');
    expect(source).not.toMatch(/[^\n\x20-\x7e]/);
    expect(source).not.toContain('</script');
    const script = await simulateAppsScript(source, { failFetch: ({ url }) => `DNS error: ${url}` });
    cleanupLater(() => script.close());
    const response = await fetch(`${script.url}?token=${encodeURIComponent(odd)}`, { method: 'POST', body: '{}' });
    expect(await response.json()).toMatchObject({ code: 'RELAY_NODE_DOWN' });
    expect((await script.execution(0)).fetches[0]?.url).toBe('https://node.example:8443/base/tunnel/batch');
  });

  const later: Array<() => unknown> = [];
  const cleanupLater = (cleanup: () => unknown): void => void later.push(cleanup);
  afterEach(async () => {
    for (const cleanup of later.splice(0)) await cleanup();
  });

  test('has no placeholder, module syntax or Node in it', () => {
    const source = renderAppsScript({ node: 'https://node.example', token: TOKEN });
    expect(source).not.toMatch(/__MILLRACE|^(import|export) |require\(|process\.|\bURL\b|TextDecoder/m);
    expect(source).toMatch(/^function doPost\(event\) \{$/m);
    expect(source).toMatch(/^function doGet\(\) \{$/m);
  });

  test.each([
    [{ node: 'ftp://node.example', token: TOKEN }, 'CONFIG_INVALID'],
    [{ node: 'node.example', token: TOKEN }, 'CONFIG_INVALID'],
    [{ node: 'https://user:pass@node.example', token: TOKEN }, 'CONFIG_INVALID'],
    [{ node: 'https://node.example?x=1', token: TOKEN }, 'CONFIG_INVALID'],
    [{ node: 'https://node.example', token: '' }, 'KEY_MISSING'],
    [{ node: 'https://node.example', token: 'short' }, 'KEY_WEAK'],
    [{ node: 'https://node.example', token: TOKEN, tokn: 'x' }, 'CONFIG_UNKNOWN_KEY'],
  ])('is refused for %j', (options, code) => {
    expect(() => renderAppsScript(options)).toThrow(RelayError);
    expect(() => renderAppsScript(options)).toThrow(expect.objectContaining({ code }));
  });
});
