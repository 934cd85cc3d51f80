/** Fields of one connection only (RFC 9110, section 7.6.1, and the older ones that programs still send). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'upgrade',
]);

/** Header fields in the order and spelling they came in: name, value, name, value. */
export type RawHeaders = string[];

/**
 * The fields that go on, in order, without those of this connection and those that `Connection` names. Nothing is
 * added: no Via, no X-Forwarded-For.
 * @param drop further names, in lower case.
 */
export function endToEnd(raw: readonly string[], drop: readonly string[] = []): RawHeaders {
  const named = new Set(drop);
  for (const [name, value] of pairs(raw)) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.split(',')) named.add(token.trim().toLowerCase());
  }
  // A Connection field must not take away what says where the message goes and where it ends.
  for (const name of ['host', 'content-length', 'transfer-encoding']) if (!drop.includes(name)) named.delete(name);
  return pairs(raw)
    .filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !named.has(name.toLowerCase()))
    .flat();
}

/** Whether a field is there. */
export function hasHeader(raw: readonly string[], wanted: string): boolean {
  return pairs(raw).some(([name]) => name.toLowerCase() === wanted);
}

function pairs(raw: readonly string[]): Array<[name: string, value: string]> {
  const found: Array<[string, string]> = [];
  for (let i = 0; i + 1 < raw.length; i += 2) found.push([raw[i]!, raw[i + 1]!]);
  return found;
}
