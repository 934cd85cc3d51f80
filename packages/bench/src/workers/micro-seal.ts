/** Process: sealing and opening packets of a UDP session, a group at a time, by the addon and by node:crypto. */
import { chooseCrypto, loadAddon, type Cipher, type SessionCrypto } from '@millrace/udp-session';
import { patternBytes } from '@millrace/testkit';
import { serveTasks, type MicroTask } from '../micro/serve-tasks.js';

/** Packets of a group, and groups that are worked on each time. */
const PACKETS = 64;
const GROUPS = 4;
const PACKET_BYTES = 1200;
const HEADER_BYTES = 5;
const TAG_BYTES = 16;
/** Packets lie apart in a slab, as a session has them. */
const STRIDE_BYTES = 1280;
const KEY_BYTES: Record<Cipher, number> = { 'aes-128-gcm': 16, 'chacha20-poly1305': 32 };

const plain = patternBytes(PACKETS * STRIDE_BYTES, 6);

function tasksOf(crypto: SessionCrypto, cipher: Cipher, kind: string): Record<string, MicroTask> {
  const key = crypto.packetKey(cipher, patternBytes(KEY_BYTES[cipher], 3), patternBytes(12, 4));
  const groups = Array.from({ length: GROUPS }, () => ({
    slab: Buffer.from(plain),
    offsets: Uint32Array.from({ length: PACKETS }, (_, i) => i * STRIDE_BYTES),
    lengths: new Uint32Array(PACKETS),
    numbers: Uint32Array.from({ length: 2 * PACKETS }, (_, i) => (i % 2 === 0 ? i / 2 : 0)),
    authentic: new Uint8Array(PACKETS),
  }));
  const begin = (from: Buffer, bytes: number): void => {
    for (const { slab, lengths } of groups) {
      slab.set(from);
      lengths.fill(bytes);
    }
  };
  const seal = (): void => {
    for (const group of groups) key.seal(group, 0, PACKETS);
  };
  const open = (): void => {
    for (const group of groups) key.open(group, 0, PACKETS);
  };
  begin(plain, PACKET_BYTES - TAG_BYTES);
  seal();
  const sealed = Buffer.from(groups[0]?.slab ?? []);
  open();
  const same = (slab: Buffer, at: number): boolean =>
    slab.compare(plain, at, at + PACKET_BYTES - TAG_BYTES, at, at + PACKET_BYTES - TAG_BYTES) === 0;
  for (const { slab, offsets, authentic } of groups) {
    if (authentic.includes(0) || !offsets.every((at) => same(slab, at)))
      throw new Error(`${kind}: what was sealed with ${cipher} does not open`);
  }
  const packets = GROUPS * PACKETS;
  const common = { bytes: packets * (PACKET_BYTES - HEADER_BYTES - TAG_BYTES), packets };
  return {
    [`seal-${cipher}-${kind}`]: { ...common, prepare: () => begin(plain, PACKET_BYTES - TAG_BYTES), run: seal },
    [`open-${cipher}-${kind}`]: { ...common, prepare: () => begin(sealed, PACKET_BYTES), run: open },
  };
}

const addon = await loadAddon();
const tasks: Record<string, MicroTask> = {};
for (const cipher of ['aes-128-gcm', 'chacha20-poly1305'] as const) {
  const node = tasksOf(chooseCrypto(undefined), cipher, 'node');
  const native = addon?.aead?.algorithms.includes(cipher) ? tasksOf(chooseCrypto(addon), cipher, 'native') : {};
  Object.assign(tasks, node, native);
  // By its name alone: what a session of this machine uses.
  for (const task of [`seal-${cipher}`, `open-${cipher}`]) {
    const best = native[`${task}-native`] ?? node[`${task}-node`];
    if (best) tasks[task] = best;
  }
}

serveTasks(tasks);
