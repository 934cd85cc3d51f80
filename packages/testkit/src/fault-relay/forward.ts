import { request, type Agent } from 'node:http';
import { readAll } from '../read-all.js';
import type { NodeAnswer } from './types.js';

/** Sends one body to the node. Rejects where no whole answer came. */
export function forward(
  agent: Agent,
  address: URL,
  body: Buffer,
  contentType: string,
  signal: AbortSignal,
): Promise<NodeAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': contentType, 'content-length': body.length };
    const out = request(address, { method: 'POST', agent, headers, signal }, (reply) => {
      readAll(reply).then(
        (answer) =>
          resolve({
            status: reply.statusCode ?? 0,
            contentType: reply.headers['content-type'] ?? '',
            body: answer,
          }),
        reject,
      );
    });
    out.once('error', reject);
    out.end(body);
  });
}
