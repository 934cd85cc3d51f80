import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian packages of the programs that tests use, where the name differs. */
const PACKAGES: Readonly<Record<string, string>> = {
  ssh: 'openssh-client',
  sftp: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
  dig: 'bind9-dnsutils',
};

/** Folders of system programs that a user's PATH may lack. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** Where a program is, or the command that installs it on Debian. */
export type FoundProgram =
  | { readonly path: string; readonly missing?: undefined }
  | { readonly path?: undefined; readonly missing: string };

/**
 * Finds a program of the system by its name: in PATH, then in the folders of system programs. Where it is missing,
 * `missing` is the `apt-get install` line that brings it, for the reason of a skipped test.
 */
export function findProgram(name: string): FoundProgram {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of [...folders, ...SYSTEM_FOLDERS]) {
    const path = join(folder, name);
    if (isProgram(path)) return { path };
  }
  return { missing: `apt-get install -y ${PACKAGES[name] ?? name}` };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
