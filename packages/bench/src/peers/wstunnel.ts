import { forwardAt, type Peer } from './peer.js';

/** wstunnel as npm has it: TCP inside a WebSocket, in Node as we are. */
export const wstunnel: Peer = {
  name: 'wstunnel',
  programs: ['wstunnel'],
  install: 'npm install --global wstunnel',
  about: 'TCP inside a WebSocket, in Node',
  start: async ({ targetPort, freePort, run, throughLink, listening }, { wstunnel: path = '' }) => {
    const [serverPort, port] = [await freePort(), await freePort()];
    await run(path, ['-s', `127.0.0.1:${serverPort}`, '-t', `127.0.0.1:${targetPort}`]);
    await listening(serverPort);
    await run(path, ['-t', `${port}:127.0.0.1:${targetPort}`, `ws://127.0.0.1:${await throughLink(serverPort)}`]);
    await listening(port);
    return forwardAt(port);
  },
};
