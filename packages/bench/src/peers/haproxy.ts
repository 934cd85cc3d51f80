import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forwardAt, type Peer } from './peer.js';

/** TCP through one process in C: a floor for everything that is not the kernel. */
export const haproxy: Peer = {
  name: 'haproxy',
  programs: ['haproxy'],
  install: 'apt-get install -y haproxy',
  about: 'plain TCP through one process, no encryption',
  start: async ({ folder, target, serverHost, freePort, run, throughLink, listening }, { haproxy: path = '' }) => {
    const port = await freePort();
    const file = join(folder, 'haproxy.cfg');
    const times = 'timeout connect 10s\n  timeout client 1h\n  timeout server 1h';
    const to = await throughLink(target);
    await writeFile(
      file,
      `defaults\n  mode tcp\n  ${times}\nlisten bench\n  bind ${serverHost}:${port}\n  server target ${to.host}:${to.port}\n`,
    );
    await run('server', path, ['-db', '-f', file]);
    await listening('server', port);
    return forwardAt(port, serverHost);
  },
};
