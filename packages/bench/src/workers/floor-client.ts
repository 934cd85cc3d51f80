/** Process: client of the floor. Exchanges bodies of a given size, so many at once, and nothing else. */
import { Pool } from 'undici';
import { floorBody, type FloorEncoding } from '../check/floor-body.js';
import { nowMs } from '../process/clock.js';
import { serve } from '../process/worker.js';

export interface FloorRun {
  /** Payload bytes in all, and in one body. */
  bytes: number;
  bodyBytes: number;
  direction: 'down' | 'up';
  encoding: FloorEncoding;
  /** Exchanges at once. */
  inFlight: number;
}

let pool: Pool | undefined;

async function exchange(send: Buffer, answer: number, encoding: FloorEncoding): Promise<Buffer> {
  if (!pool) throw new Error('not connected');
  const headers = { 'x-answer': String(answer), 'x-encoding': encoding };
  const { body } = await pool.request({ method: 'POST', path: '/', headers, body: send });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

const verbs = {
  connect: ({ url }: { url: string }): void => {
    pool = new Pool(url, { connections: 64, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  },
  /** Moves `bytes`; gives the time it took. Bodies are compared once the clock has stopped. */
  run: async ({
    bytes,
    bodyBytes,
    direction,
    encoding,
    inFlight,
  }: FloorRun): Promise<{ seconds: number; exchanges: number; problems: string[] }> => {
    const exchanges = Math.ceil(bytes / bodyBytes);
    const payload = (i: number): number => Math.min(bodyBytes, bytes - i * bodyBytes);
    for (let i = 0; i < exchanges; i++) floorBody(payload(i), encoding);
    const answers: Array<{ payload: number; body: Buffer }> = [];
    let next = 0;
    const startMs = nowMs();
    const work = async (): Promise<void> => {
      for (let i = next++; i < exchanges; i = next++) {
        const [up, down] = direction === 'up' ? [payload(i), 0] : [0, payload(i)];
        answers.push({ payload: down, body: await exchange(floorBody(up, encoding), down, encoding) });
      }
    };
    await Promise.all(Array.from({ length: inFlight }, work));
    const seconds = (nowMs() - startMs) / 1e3;
    const wrong = answers.filter(({ payload, body }) => !body.equals(floorBody(payload, encoding)));
    return { seconds, exchanges, problems: wrong.length > 0 ? [`${wrong.length} bodies of the floor are wrong`] : [] };
  },
  /** Times of bare exchanges of `bodyBytes` each way, one after the other. */
  exchanges: async ({
    count,
    bodyBytes,
    encoding,
  }: {
    count: number;
    bodyBytes: number;
    encoding: FloorEncoding;
  }): Promise<number[]> => {
    const timesMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const startMs = nowMs();
      await exchange(floorBody(bodyBytes, encoding), bodyBytes, encoding);
      timesMs.push(nowMs() - startMs);
    }
    return timesMs;
  },
};
export type FloorClientVerbs = typeof verbs;

serve(verbs);
