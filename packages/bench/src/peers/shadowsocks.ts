import { randomBytes } from 'node:crypto';
import { socksAt, type Peer } from './peer.js';

/** shadowsocks-libev: SOCKS5 over AEAD streams. */
export const shadowsocks: Peer = {
  name: 'shadowsocks',
  programs: ['ss-server', 'ss-local'],
  install: 'apt-get install -y shadowsocks-libev',
  about: 'SOCKS5 over AES-128-GCM streams',
  start: async (
    { serverHost, freePort, run, throughLink, listening },
    { 'ss-server': server = '', 'ss-local': local = '' },
  ) => {
    const [serverPort, port] = [await freePort(), await freePort()];
    const cipher = ['-k', randomBytes(16).toString('hex'), '-m', 'aes-128-gcm', '--no-delay'];
    await run('server', server, ['-s', serverHost, '-p', String(serverPort), ...cipher]);
    await listening('server', serverPort);
    const at = await throughLink({ host: serverHost, port: serverPort });
    const ports = ['-s', at.host, '-p', String(at.port), '-b', '127.0.0.1', '-l', String(port)];
    await run('client', local, [...ports, ...cipher]);
    await listening('client', port);
    return socksAt(port);
  },
};
