import { readFile, writeFile } from 'node:fs/promises';
import { CliError } from '../errors.js';

/**
 * Reads a text file whole. A byte order mark, which editors on Windows put first, is left out, and tells UTF-16, which its
 * shells write, from UTF-8.
 * @throws CliError FILE_UNREADABLE that names the file
 */
export async function readTextFile(path: string, where: string): Promise<string> {
  try {
    return decodeText(await readFile(path));
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', `cannot read ${path}: ${reason(error)}`, { where, cause: error });
  }
}

function decodeText(bytes: Uint8Array): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes);
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

/** Why a file cannot be read or written, in words. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}
