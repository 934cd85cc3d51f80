import { randomBytes } from 'node:crypto';
import { socksAt, type Peer } from './peer.js';

/** shadowsocks-libev: SOCKS5 over AEAD streams. */
export const shadowsocks: Peer = {
  name: 'shadowsocks',
  programs: ['ss-server', 'ss-local'],
  install: 'apt-get install -y shadowsocks-libev',
  about: 'SOCKS5 over AES-128-GCM streams',
  start: async ({ freePort, run, throughLink, listening }, { 'ss-server': server = '', 'ss-local': local = '' }) => {
    const [serverPort, port] = [await freePort(), await freePort()];
    const cipher = ['-k', randomBytes(16).toString('hex'), '-m', 'aes-128-gcm', '--no-delay'];
    await run(server, ['-s', '127.0.0.1', '-p', String(serverPort), ...cipher]);
    await listening(serverPort);
    const at = ['-s', '127.0.0.1', '-p', String(await throughLink(serverPort)), '-b', '127.0.0.1', '-l', String(port)];
    await run(local, [...at, ...cipher]);
    await listening(port);
    return socksAt(port);
  },
};
