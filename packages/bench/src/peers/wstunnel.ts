import { forwardAt, type Peer } from './peer.js';

/** wstunnel as npm has it: TCP inside a WebSocket, in Node as we are. */
export const wstunnel: Peer = {
  name: 'wstunnel',
  programs: ['wstunnel'],
  install: 'npm install --global wstunnel',
  about: 'TCP inside a WebSocket, in Node',
  start: async ({ target, serverHost, freePort, run, throughLink, listening }, { wstunnel: path = '' }) => {
    const [serverPort, port] = [await freePort(), await freePort()];
    const to = `${target.host}:${target.port}`;
    await run('server', path, ['-s', `${serverHost}:${serverPort}`, '-t', to]);
    await listening('server', serverPort);
    const at = await throughLink({ host: serverHost, port: serverPort });
    await run('client', path, ['-t', `${port}:${to}`, `ws://${at.host}:${at.port}`]);
    await listening('client', port);
    return forwardAt(port);
  },
};
