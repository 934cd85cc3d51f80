import type { BatchOp, BatchRequest, TunnelResponse } from '@millrace/protocol';
import { webServer } from './servers.js';

/** What a scripted node answers to each op. */
export type OpAnswers = (op: BatchOp) => TunnelResponse;

/** A node that answers as it is told: for behaviour of other versions, other clocks and other networks. */
export async function scriptedNode(answer: OpAnswers): Promise<{ url: string }> {
  return await webServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { ops } = JSON.parse(body) as BatchRequest;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ r: ops.map(answer) }));
    });
  });
}

/** The answers of a node of today without faults, with some of them changed. */
export function healthy(changes: Partial<Record<string, OpAnswers>> = {}): OpAnswers {
  const usual: Record<string, OpAnswers> = {
    version: () => ({ caps: 1, v: '0.1.0', node: 'scripted', now: Date.now() }),
    connect: () => ({ e: 'denied by the egress policy', code: 'POLICY_DENIED' }),
    data: () => ({ eof: true }),
    close: () => ({}),
  };
  return (op) => ({ ...usual, ...changes })[op.op]?.(op) ?? { e: 'unknown op', code: 'UNSUPPORTED_OP' };
}
