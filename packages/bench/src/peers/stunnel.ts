import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { forwardAt, type Peer } from './peer.js';

/** TCP inside TLS, one process at each end. */
export const stunnel: Peer = {
  name: 'stunnel',
  programs: ['stunnel4', 'openssl'],
  install: 'apt-get install -y stunnel4 openssl',
  about: 'TCP inside TLS',
  start: async (
    { folder, target, serverHost, freePort, run, throughLink, listening },
    { stunnel4 = '', openssl = '' },
  ) => {
    const key = join(folder, 'key.pem');
    const cert = join(folder, 'cert.pem');
    const subject = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=bench',
      '-days',
      '1',
    ];
    await promisify(execFile)(openssl, ['req', '-x509', ...subject, '-keyout', key, '-out', cert]);
    const [serverPort, port] = [await freePort(), await freePort()];
    const common = 'foreground = yes\nsyslog = no\ndebug = 3\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n';
    const server = join(folder, 'server.conf');
    const client = join(folder, 'client.conf');
    await writeFile(
      server,
      `${common}pid =\ncert = ${cert}\nkey = ${key}\n[bench]\naccept = ${serverHost}:${serverPort}\nconnect = ${target.host}:${target.port}\n`,
    );
    await run('server', stunnel4, [server]);
    await listening('server', serverPort);
    const at = await throughLink({ host: serverHost, port: serverPort });
    await writeFile(
      client,
      `${common}pid =\nclient = yes\n[bench]\naccept = 127.0.0.1:${port}\nconnect = ${at.host}:${at.port}\n`,
    );
    await run('client', stunnel4, [client]);
    await listening('client', port);
    return forwardAt(port);
  },
};
