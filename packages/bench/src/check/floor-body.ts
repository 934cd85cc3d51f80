import { patternBytes } from '@millrace/testkit';

/** How the payload is carried: as JSON with base64, as level 1 does, or as the bytes themselves. */
export type FloorEncoding = 'text' | 'bytes';

const bodies = new Map<string, Buffer>();

/** A body that carries `payload` bytes. Made once: the floor measures moving bodies, not making them. */
export function floorBody(payload: number, encoding: FloorEncoding): Buffer {
  const key = `${encoding}:${payload}`;
  let body = bodies.get(key);
  if (!body) {
    const bytes = patternBytes(payload, 1);
    body =
      encoding === 'bytes' ? bytes : Buffer.from(JSON.stringify({ r: [{ sid: '', d: bytes.toString('base64') }] }));
    bodies.set(key, body);
  }
  return body;
}
