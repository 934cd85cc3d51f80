import { Agent, request, type IncomingMessage } from 'node:http';
import { listenLocally } from '../listen.js';
import { readAll } from '../read-all.js';
import type { MeasuredCeiling } from './types.js';

/** What a bare loop does. */
export interface LoopOptions {
  readonly bytes: number;
  readonly inFlight: number;
  readonly requests: number;
  readonly signal: AbortSignal | undefined;
}

/** A node that answers each body with itself. */
export async function startEcho(): Promise<{ origin: string; close(): Promise<void> }> {
  return await listenLocally((incoming, response) => {
    readAll(incoming).then(
      (body) => response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body),
      () => response.destroy(),
    );
  });
}

/** Posts bodies to `url`, so many at once, and reads them back. Rejects where one comes back other than it went. */
export async function bareLoop(url: string, options: LoopOptions): Promise<MeasuredCeiling> {
  const { bytes, inFlight, requests, signal } = options;
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const body = Buffer.alloc(bytes, 'millrace');
  const startMs = performance.now();
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const back = await post(agent, url, body, signal);
      if (!back.equals(body)) throw new Error(`a body of ${bytes} bytes came back as another one of ${back.length}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(inFlight, requests) }, worker));
  } finally {
    agent.destroy();
  }
  const seconds = (performance.now() - startMs) / 1_000;
  return { requests, bytes, inFlight, requestsPerSecond: requests / seconds, MBps: (requests * bytes) / 1e6 / seconds };
}

async function post(agent: Agent, url: string, body: Buffer, signal: AbortSignal | undefined): Promise<Buffer> {
  let reply = await answerTo(agent, url, body, signal);
  while (reply.statusCode === 302) {
    reply.resume();
    reply = await answerTo(agent, new URL(reply.headers.location ?? '', url).href, undefined, signal);
  }
  return await readAll(reply);
}

function answerTo(
  agent: Agent,
  url: string,
  body: Buffer | undefined,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = body === undefined ? {} : { 'content-type': 'text/plain', 'content-length': body.length };
    const out = request(url, { method, agent, headers, ...(signal === undefined ? {} : { signal }) }, resolve);
    out.on('error', reject);
    out.end(body);
  });
}
