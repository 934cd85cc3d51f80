import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { socksAt, type Peer } from './peer.js';

/** `ssh -D`: what most people tunnel with. */
export const ssh: Peer = {
  name: 'ssh',
  programs: ['sshd', 'ssh', 'ssh-keygen'],
  install: 'apt-get install -y openssh-server openssh-client',
  about: 'SOCKS5 of ssh -D over one connection',
  // sshd as root wants its empty folder for privilege separation, which the service makes at boot.
  start: async (
    { folder, serverHost, freePort, run, throughLink, listening },
    { sshd = '', ssh: client = '', 'ssh-keygen': keygen = '' },
  ) => {
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
    const key = join(folder, 'id');
    const host = join(folder, 'host');
    for (const file of [key, host]) await promisify(execFile)(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    const authorized = join(folder, 'authorized_keys');
    await writeFile(authorized, await readFile(`${key}.pub`), { mode: 0o600 });
    const [serverPort, port] = [await freePort(), await freePort()];
    const options = [
      'HostKey',
      host,
      'AuthorizedKeysFile',
      authorized,
      'StrictModes',
      'no',
      'UsePAM',
      'no',
      'PidFile',
      'none',
    ];
    const flags = Array.from({ length: options.length / 2 }, (_, i) => [
      '-o',
      `${options[2 * i]}=${options[2 * i + 1]}`,
    ]).flat();
    await run('server', sshd, [
      '-D',
      '-e',
      '-f',
      '/dev/null',
      '-p',
      String(serverPort),
      '-o',
      `ListenAddress=${serverHost}`,
      ...flags,
    ]);
    await listening('server', serverPort);
    const at = await throughLink({ host: serverHost, port: serverPort });
    const trust = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'IdentitiesOnly=yes'];
    const to = `${userInfo().username}@${at.host}`;
    await run('client', client, [
      '-N',
      '-F',
      'none',
      ...trust,
      '-i',
      key,
      '-p',
      String(at.port),
      '-D',
      `127.0.0.1:${port}`,
      to,
    ]);
    await listening('client', port);
    return socksAt(port);
  },
};
