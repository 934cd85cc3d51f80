import type { IncomingMessage, ServerResponse } from 'node:http';
import { Arrivals, listenLocally, readAll } from '@millrace/testkit';

/** A request that reached the node. */
interface NodeSeen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface FakeNode {
  readonly origin: string;
  readonly seen: Arrivals<NodeSeen>;
  close(): Promise<void>;
}

export type NodeAnswerer = (
  request: NodeSeen,
  response: ServerResponse,
  incoming: IncomingMessage,
) => void | Promise<void>;

/** A small node: reads the whole body, then answers as it is told; `{"r":[]}` by default. */
export async function startFakeNode(answerer: NodeAnswerer = answerJson('{"r":[]}')): Promise<FakeNode> {
  const seen = new Arrivals<NodeSeen>('request at the node');
  const local = await listenLocally(async (request, response) => {
    const body = await readAll(request).catch(() => undefined);
    // A request that never came whole is not run, as by a real node.
    if (body === undefined) return;
    const arrived = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    seen.push(arrived);
    await answerer(arrived, response, request);
  });
  return { origin: local.origin, seen, close: () => local.close() };
}

/** Answers a whole body. */
export function answerWith(
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): NodeAnswerer {
  return (_request, response) => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length, ...headers });
    response.end(bytes);
  };
}

export function answerJson(text: string): NodeAnswerer {
  return answerWith(200, 'application/json', text);
}
