import { socksAt, type Peer } from './peer.js';

/** chisel: SSH inside a WebSocket. */
export const chisel: Peer = {
  name: 'chisel',
  programs: ['chisel'],
  install: 'go install github.com/jpillora/chisel@latest',
  about: 'SOCKS5 over SSH inside a WebSocket',
  start: async ({ serverHost, freePort, run, throughLink, listening }, { chisel: path = '' }) => {
    const [serverPort, port] = [await freePort(), await freePort()];
    await run('server', path, ['server', '--host', serverHost, '--port', String(serverPort), '--socks5']);
    await listening('server', serverPort);
    const at = await throughLink({ host: serverHost, port: serverPort });
    await run('client', path, ['client', `http://${at.host}:${at.port}`, `127.0.0.1:${port}:socks`]);
    await listening('client', port);
    return socksAt(port);
  },
};
