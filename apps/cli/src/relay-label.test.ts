import { expect, test } from 'vitest';
import { relayLabel, relayLabels } from './relay-label.js';

test('a label has no secrets', () => {
  expect(relayLabel('https://user:pass@relay.example:8443/exec?token=s3cret#s3cret')).toBe(
    'https://relay.example:8443/exec',
  );
  expect(relayLabel('https://relay.example')).toBe('https://relay.example/');
  expect(relayLabel('s3cret')).toBe('an address that is no URL');
});

test('labels of relays with one address are numbered', () => {
  const entries = [{ url: 'http://a' }, { url: 'http://b' }, { url: 'http://a/?x' }];
  expect(relayLabels(entries)).toEqual(['http://a/', 'http://b/', 'http://a/ #2']);
});
