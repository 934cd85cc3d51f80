/** Process: what sealing costs with node:crypto, one call for each packet. */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { patternBytes } from '@millrace/testkit';
import { serveTasks, type MicroTask } from '../micro/serve-tasks.js';

const TAG_BYTES = 16;

/** A key object: a raw key costs four times as much a call in newer versions of Node. */
const key = createSecretKey(patternBytes(32, 3));
const nonce = patternBytes(12, 4);
const associated = patternBytes(5, 5);

function seal(plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated);
  const body = cipher.update(plain);
  cipher.final();
  return Buffer.concat([body, cipher.getAuthTag()]);
}

function open(sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  decipher.final();
  return plain;
}

const tasks: Record<string, MicroTask> = {};
for (const bytes of [1200, 16_384]) {
  const plain = patternBytes(bytes, 6);
  const sealed = seal(plain);
  if (!open(sealed).equals(plain)) throw new Error('what was sealed does not open');
  tasks[`seal-${bytes}`] = { bytes, run: () => seal(plain) };
  tasks[`open-${bytes}`] = { bytes, run: () => open(sealed) };
}

serveTasks(tasks);
