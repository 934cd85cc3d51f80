/** Process: a link of given delay, rate and loss between two TCP ends. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { Direction, type Link } from '../check/shaped-direction.js';
import { serve } from '../process/worker.js';

const verbs = {
  /** Forwards connections to `HOST:PORT` through the link; gives its own `HOST:PORT`. */
  start: async ({ to, link }: { to: { host: string; port: number }; link: Link }): Promise<string> => {
    // One pair for all connections: the rate is that of the link, not of a connection.
    const up = new Direction(link);
    const down = new Direction(link);
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connect({ ...to, noDelay: true, allowHalfOpen: true });
      up.carry(near, far);
      down.carry(far, near);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
};
export type ShaperVerbs = typeof verbs;

serve(verbs);
