import { readFile, writeFile } from 'node:fs/promises';
import { CliError } from '../errors.js';

/** Reads a file whole. @throws CliError FILE_UNREADABLE that names the file */
export async function readTextFile(path: string, where: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', `cannot read ${path}: ${reason(error)}`, { where, cause: error });
  }
}

/** Writes a file that only its owner may read, and never over another. @throws CliError FILE_UNREADABLE */
export async function writeSecretFile(path: string, text: string, where: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const next = exists ? { next: 'Choose another name, or remove the file if nothing uses it any more.' } : {};
    throw new CliError('FILE_UNREADABLE', `cannot write ${path}: ${reason(error)}`, { where, cause: error, ...next });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'it exists already',
  ENOSPC: 'the disk is full',
  EROFS: 'the disk is read-only',
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}
