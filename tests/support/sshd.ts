/** Debian's OpenSSH server on a loopback port that the system picks, with keys of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { program, run, temporaryFolder } from './programs.js';

export interface Sshd {
  readonly port: number;
  /** What the server has logged. */
  log(): string;
  /** Arguments of `ssh` for a server that is reached at `host` and `port`; a command may follow. */
  clientArgs(host: string, port: number): string[];
}

const HOST_ALIAS = 'millrace-e2e';

/**
 * Starts a listener that hands each connection to an `sshd -i`: so the port is one that the system picks, which sshd alone cannot do.
 * The server speaks first.
 */
export async function startSshd(context: TestContext): Promise<Sshd> {
  const sshd = program(context, 'sshd');
  const keygen = program(context, 'ssh-keygen');
  const folder = await temporaryFolder(context);
  const file = (name: string) => join(folder, name);
  for (const name of ['host_key', 'user_key']) {
    const made = await run(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)], context);
    if (made.code !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
  }
  await writeFile(file('known_hosts'), `${HOST_ALIAS} ${await readFile(file('host_key.pub'), 'utf8')}`);
  await writeFile(file('authorized_keys'), await readFile(file('user_key.pub'), 'utf8'));
  await writeFile(
    file('sshd_config'),
    [
      `HostKey ${file('host_key')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      // The temporary folder stands below one that everybody may write to.
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'PrintMotd no',
      'UseDNS no',
      'LogLevel VERBOSE',
    ].join('\n'),
  );
  // sshd of root wants its folder for privilege separation, which the service of the system makes at boot.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });

  let log = '';
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
    const child = spawn(sshd, ['-i', '-e', '-f', file('sshd_config')], {
      stdio: [socket, socket, 'pipe'],
      signal: context.signal,
      killSignal: 'SIGKILL',
    });
    child.on('error', () => {});
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8');
    });
    // The connection is the child's from here on.
    child.once('spawn', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.onTestFinished(() => {
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    log: () => log,
    clientArgs: (host, port) => [
      '-F',
      '/dev/null',
      '-T',
      '-p',
      String(port),
      '-i',
      file('user_key'),
      ...options({
        BatchMode: 'yes',
        IdentitiesOnly: 'yes',
        IdentityAgent: 'none',
        UserKnownHostsFile: file('known_hosts'),
        GlobalKnownHostsFile: '/dev/null',
        HostKeyAlias: HOST_ALIAS,
        StrictHostKeyChecking: 'yes',
        LogLevel: 'ERROR',
      }),
      `${userInfo().username}@${host}`,
    ],
  };
}

function options(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}
