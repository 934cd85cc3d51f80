import { randomBytes } from 'node:crypto';

/** 256 bits: out of reach of guessing, also for whoever stores what passes today. */
const KEY_BYTES = 32;

/** A new access key or relay token, as 43 characters of base64url. */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url');
}
