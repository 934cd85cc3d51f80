import { generateKey } from '../generate-key.js';
import type { Io } from '../io.js';
import { writeSecretFile } from '../settings/files.js';

/** `millrace keygen`: prints a new key, or writes it to a file that only its owner may read. */
export async function keygen(io: Pick<Io, 'stdout'>, out: string | undefined): Promise<number> {
  const key = generateKey();
  if (out === undefined) {
    io.stdout.write(`${key}\n`);
    return 0;
  }
  await writeSecretFile(out, `${key}\n`, '--out');
  io.stdout.write(`Wrote ${out}. Give the same file to the node and its clients, by a way that you trust.\n`);
  return 0;
}
