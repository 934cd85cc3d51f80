import { request as httpRequest, type Agent } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { NodeAnswer } from '../fault-relay/types.js';
import type { DelayDraw } from './delay.js';
import { receivedHeadBytes, requestHeadBytes } from './head-bytes.js';
import { Line, receive, send, until, type Passage } from './line.js';

/** The leg between relay and node, for one exchange. */
export interface NodeLeg {
  readonly up: Pick<Passage, 'line' | 'draw'>;
  readonly down: Pick<Passage, 'line' | 'draw'>;
  /** Told of each chunk of the answer before it is kept; may throw. */
  readonly take: (bytes: number) => void;
}

const NO_DRAW: DelayDraw = [0, 0];
const NO_DELAY = { delayMs: { fixed: 0 }, rateMbps: 0 };

/** A leg that takes no time. */
export function freeLeg(): NodeLeg {
  return {
    up: { line: new Line(NO_DELAY), draw: NO_DRAW },
    down: { line: new Line(NO_DELAY), draw: NO_DRAW },
    take: () => undefined,
  };
}

/** Sends one body to the node. Rejects where no whole answer came. */
export async function forward(
  agent: Agent,
  address: URL,
  body: Buffer,
  contentType: string,
  signal: AbortSignal,
  leg: NodeLeg,
): Promise<NodeAnswer> {
  // Ends the half that is still under way when the other has failed.
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const headers = { 'content-type': contentType, 'content-length': body.length };
  const request = address.protocol === 'https:' ? httpsRequest : httpRequest;
  const out = request(address, { method: 'POST', agent, headers, signal });
  const answered = new Promise<NodeAnswer>((resolve, reject) => {
    out.on('error', reject);
    out.once('response', (reply) => {
      const { statusCode: status = 0, headers: fields } = reply;
      const passage = { ...leg.down, headBytes: receivedHeadBytes(reply) };
      receive(reply, passage, leg.take)
        .then(async ({ body: answer, dueMs }) => {
          await until(dueMs, ended);
          resolve({ status, contentType: fields['content-type'] ?? '', body: answer });
        })
        .catch(reject);
    });
  });
  const passage = { ...leg.up, headBytes: requestHeadBytes(out) };
  const deliver = (piece: Buffer, last: boolean): void => void (last ? out.end(piece) : out.write(piece));
  try {
    // The node may answer, or fail, before it has the whole request.
    const [answer] = await Promise.all([answered, send(body, passage, deliver, ended)]);
    return answer;
  } catch (error) {
    failed.abort(error);
    out.destroy();
    throw error;
  }
}
