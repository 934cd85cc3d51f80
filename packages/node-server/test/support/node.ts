import { request as httpRequest } from 'node:http';
import { onTestFinished } from 'vitest';
import type { MillraceEvent } from '@millrace/protocol';
import { createNode, type NodeParts, type TunnelNode } from '../../src/node.js';
import { type NodeOptions, resolveOptions } from '../../src/options.js';
import { ManualClock } from './clock.js';
import { type Peer, startTarget, type TestTarget } from './target.js';

export const KEY = 'test-Key_0123456789.abcXYZ';

/** A reply as it is on the wire; tests write it by hand. */
export type Reply = Record<string, unknown>;

/** What came back of a request. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** A node for one test, with what is needed to talk to it. */
export interface TestNode {
  readonly node: TunnelNode;
  readonly events: MillraceEvent[];
  /** Posts a batch of ops and returns the replies. */
  batch: (ops: Reply[], signal?: AbortSignal) => Promise<Reply[]>;
  /** Posts one op to `/tunnel`. */
  single: (op: Reply) => Promise<Reply>;
  /** Posts any body to any path. */
  post: (body: string | Uint8Array, path?: string, signal?: AbortSignal) => Promise<Answer>;
  /** Opens a stream to a target and returns its sid and the target's end of it. */
  connect: (target: TestTarget) => Promise<{ sid: string; peer: Peer }>;
}

/**
 * Starts a node, gone with the test. Waits are as long as options allow and nothing settles, so that an answer comes because of
 * a fact; tests of waits say otherwise.
 */
export async function startTestNode(options: Partial<NodeOptions> = {}, parts: NodeParts = {}): Promise<TestNode> {
  const node = await createNode(
    resolveOptions({
      key: KEY,
      listen: '127.0.0.1:0',
      admin: '',
      allowPrivate: true,
      longPollMs: 120_000,
      activeDrainMs: 10_000,
      seqWaitMs: 600_000,
      settleMaxMs: 0,
      ...options,
    }),
    parts,
  );
  onTestFinished(() => node.close());
  const events: MillraceEvent[] = [];
  node.events.subscribe((event) => events.push(event));

  const post: TestNode['post'] = (body, path = '/tunnel/batch', signal) => postTo(`${node.url}${path}`, body, signal);
  const json = async (body: unknown, path: string, signal?: AbortSignal): Promise<Reply> => {
    const answer = await post(JSON.stringify(body), path, signal);
    return JSON.parse(answer.body.toString()) as Reply;
  };
  const batch: TestNode['batch'] = async (ops, signal) => {
    const answer = await json({ k: KEY, ops }, '/tunnel/batch', signal);
    if (answer['r'] === undefined) throw new Error(`no replies: ${JSON.stringify(answer)}`);
    return answer['r'] as Reply[];
  };
  return {
    node,
    events,
    post,
    batch,
    single: (op) => json({ k: KEY, ...op }, '/tunnel'),
    connect: async (target) => {
      const [[reply], peer] = await Promise.all([
        batch([{ op: 'connect', host: '127.0.0.1', port: target.port }]),
        target.next(),
      ]);
      return { sid: reply!['sid'] as string, peer };
    },
  };
}

/** A node on a clock that the test turns, with the waits of a real one. */
export async function startClockedNode(
  options: Partial<NodeOptions> = {},
  parts: NodeParts = {},
): Promise<TestNode & { clock: ManualClock }> {
  const clock = new ManualClock();
  const times = { longPollMs: 15_000, activeDrainMs: 350, seqWaitMs: 30_000, settleStepMs: 10, settleMaxMs: 1_000 };
  return { ...(await startTestNode({ ...times, ...options }, { ...parts, clock })), clock };
}

/** Posts a body on a connection of its own. */
export function postTo(url: string, body: string | Uint8Array, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', agent: false, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Text as base64, by a way that is not the codec's. */
export const b64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');

/** What a reply's `d` says. */
export const text = (reply: Reply | undefined): string =>
  Buffer.from((reply?.['d'] as string | undefined) ?? '', 'base64').toString();

/** A target that is started with a stream to it. */
export async function openStream(
  test: TestNode,
  options?: { paused?: boolean },
): Promise<{ sid: string; peer: Peer; target: TestTarget }> {
  const target = await startTarget(options);
  return { ...(await test.connect(target)), target };
}
