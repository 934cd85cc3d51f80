import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is gone after the test, and a function that puts a file into it: text and bytes as they are, else JSON. */
export function tempDir(): { path: (name: string) => string; file: (name: string, content: unknown) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    file(name, content) {
      const plain = typeof content === 'string' || content instanceof Uint8Array;
      writeFileSync(path(name), plain ? content : JSON.stringify(content));
      return path(name);
    },
  };
}
