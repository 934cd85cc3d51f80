import { LIMITS } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { UploadBound } from './upload-bound.js';

test('the bound doubles while full batches are quick, up to what a batch may carry', () => {
  const bound = new UploadBound();
  const seen = [bound.bytes];
  for (let index = 0; index < 8; index += 1) {
    bound.note(bound.bytes, 500);
    seen.push(bound.bytes);
  }
  const MiB = 1024 * 1024;
  expect(seen).toEqual([MiB / 4, MiB / 2, MiB, 2 * MiB, 4 * MiB, 4 * MiB, 4 * MiB, 4 * MiB, 4 * MiB]);
  expect(LIMITS.batchBytes).toBe(4 * MiB);
});

test('small batches say nothing of large ones', () => {
  const bound = new UploadBound();
  bound.note(1_000, 1);
  expect(bound.bytes).toBe(256 * 1024);
});

test('batches that take too long halve it, down to a floor', () => {
  const bound = new UploadBound();
  bound.note(bound.bytes, 10_000);
  expect(bound.bytes).toBe(128 * 1024);
  for (let index = 0; index < 8; index += 1) bound.note(bound.bytes, 10_000);
  expect(bound.bytes).toBe(64 * 1024);
});
