import { credentialsMatch } from '../credentials.js';
import type { ProxyCredentials } from '../options.js';

/** Whether `Proxy-Authorization` shows the credentials (Basic, RFC 7617). Always true where none are asked for. */
export function authorized(expected: ProxyCredentials | undefined, header: string | undefined): boolean {
  if (!expected) return true;
  const match = /^basic +([\w+/]+=*)$/i.exec(header ?? '');
  const bytes = Buffer.from(match?.[1] ?? '', 'base64');
  const colon = bytes.indexOf(0x3a);
  const user = bytes.subarray(0, Math.max(colon, 0));
  return credentialsMatch(expected, user, bytes.subarray(colon + 1)) && colon >= 0;
}
