import { createHash, timingSafeEqual } from 'node:crypto';
import type { ProxyCredentials } from './options.js';

/**
 * Compares credentials in constant time: of digests, so that lengths do not show either, and always both of them, so
 * that a right user with a wrong password takes as long as a wrong user.
 */
export function credentialsMatch(expected: ProxyCredentials, user: Uint8Array, password: Uint8Array): boolean {
  const userMatches = timingSafeEqual(digest(expected.user), digest(user));
  const passwordMatches = timingSafeEqual(digest(expected.password), digest(password));
  return userMatches && passwordMatches;
}

function digest(value: string | Uint8Array): Buffer {
  return createHash('sha256').update(value).digest();
}
