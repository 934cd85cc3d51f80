import { socksAt, type Peer } from './peer.js';

/** chisel: SSH inside a WebSocket. */
export const chisel: Peer = {
  name: 'chisel',
  programs: ['chisel'],
  install: 'go install github.com/jpillora/chisel@latest',
  about: 'SOCKS5 over SSH inside a WebSocket',
  start: async ({ freePort, run, throughLink, listening }, { chisel: path = '' }) => {
    const [serverPort, port] = [await freePort(), await freePort()];
    await run(path, ['server', '--host', '127.0.0.1', '--port', String(serverPort), '--socks5']);
    await listening(serverPort);
    await run(path, ['client', `http://127.0.0.1:${await throughLink(serverPort)}`, `127.0.0.1:${port}:socks`]);
    await listening(port);
    return socksAt(port);
  },
};
