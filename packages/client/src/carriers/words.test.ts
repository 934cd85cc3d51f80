import { describe, expect, test } from 'vitest';
import { isHtml, meaningOf, quoted } from './words.js';

describe('words of relays', () => {
  test.each([
    ['Exception: Service invoked too many times for one day: urlfetch.', 'RELAY_QUOTA_DAY'],
    ['Bandwidth quota exceeded: https://x. Try reducing the rate of data transfer.', 'RELAY_QUOTA_DAY'],
    [
      'Service invoked too many times in a short time: urlfetch. Try Utilities.sleep(1000) between calls.',
      'RELAY_QUOTA_RATE',
    ],
    ['There are too many scripts running simultaneously for this Google user account.', 'RELAY_QUOTA_RATE'],
    ['rate limit', 'RELAY_QUOTA_RATE'],
    ['unauthorized', 'RELAY_AUTH'],
    ['bad key', 'RELAY_AUTH'],
    ['Exception: DNS error: http://node.example', 'RELAY_NODE_DOWN'],
    ['Exception: Address unavailable: http://node.example', 'RELAY_NODE_DOWN'],
    ['Exception: Timeout: http://node.example', 'RELAY_TIMEOUT'],
    ['something else', undefined],
  ])('"%s" means %s', (text, code) => {
    expect(meaningOf(text)?.code).toBe(code);
  });

  test('only a timeout leaves open whether something was run', () => {
    expect(meaningOf('timed out')?.ambiguous).toBe(true);
    expect(meaningOf('bad key')?.ambiguous).toBe(false);
  });

  test('pages are told from bodies', () => {
    for (const page of ['<!DOCTYPE html>', '\n <html lang="en">', '<HTML><HEAD>', '<?xml version="1.0"?>']) {
      expect(isHtml(page)).toBe(true);
    }
    for (const body of ['{"r":[]}', '{"e":"<html>"}', 'A1b2', '<3']) expect(isHtml(body)).toBe(false);
  });

  test('what is quoted has no markup and a bounded length', () => {
    expect(quoted('<html><style>p{}</style><script>var x</script><p>It  is\n<b>down</b></p>')).toBe('"It is down"');
    expect(quoted('x'.repeat(1_000))).toHaveLength(203);
    expect(quoted('<p></p>')).toBe('nothing to read');
  });
});
