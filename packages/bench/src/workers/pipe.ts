/** Process: a plain pipe in Node, what any proxy in one process costs at least. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { serve } from '../process/worker.js';

const verbs = {
  /** Listens on a host and forwards every connection; gives its port. */
  start: async ({ listen, to }: { listen: string; to: { host: string; port: number } }): Promise<number> => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connect({ ...to, noDelay: true, allowHalfOpen: true });
      // Each direction ends by itself; a broken one breaks the connection.
      pipeline(near, far, (error) => error && far.destroy());
      pipeline(far, near, (error) => error && near.destroy());
    });
    server.listen(0, listen);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
};
export type PipeVerbs = typeof verbs;

serve(verbs);
