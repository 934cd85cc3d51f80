import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';

const made = new Set<string>();
process.once('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** Remembers a folder that was made for this run: it goes with the process, also when that is interrupted. */
export function keepUntilExit(folder: string): string {
  made.add(folder);
  return folder;
}

/** Removes such a folder now. */
export async function removeMade(folder: string): Promise<void> {
  made.delete(folder);
  await rm(folder, { recursive: true, force: true });
}
