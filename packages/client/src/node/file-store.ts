/** Keeps what a tunnel should know after a restart in a file. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { TunnelError } from '../errors.js';
import type { StateStore } from '../tunnel/types.js';

/** Others on the machine need not know what relays are used, and how much. */
const MODE = 0o600;

/**
 * A store that keeps its text in the file `path`, which only its owner can read. It is replaced as a whole: whoever reads it,
 * also after a crash, finds the old text or the new one. One tunnel to a file. What cannot be read is set aside as
 * `path` with `.bad` appended. Calls reject with `TunnelError` FILE_UNREADABLE, naming the file; a file that does not exist holds
 * nothing.
 */
export function fileStore(path: string): StateStore {
  return {
    async load() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw unusable(path, error);
      }
    },
    async save(text) {
      // Beside it, since only within one file system is a rename one step.
      const next = `${path}.${randomUUID().slice(0, 8)}.new`;
      try {
        await write(next, text);
        await rename(next, path);
      } catch (error) {
        await rm(next, { force: true }).catch(() => {});
        throw unusable(path, error);
      }
    },
    async setAside() {
      const aside = `${path}.bad`;
      try {
        await rename(path, aside);
      } catch (error) {
        throw unusable(path, error);
      }
      return `${path} is now ${aside}`;
    },
  };
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unusable(path: string, error: unknown): TunnelError {
  const why = error instanceof Error ? error.message : String(error);
  return new TunnelError('FILE_UNREADABLE', `${path}: ${why}`, { cause: error });
}
