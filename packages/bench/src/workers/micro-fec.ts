/** Process: Reed-Solomon of a block of 20 data and 5 parity shards, as frames are sent in, by all there is for it. */
import { chooseFec, createScalarFec, createWasmFec, loadAddon, type Fec } from '@millrace/udp-session';
import { patternBytes } from '@millrace/testkit';
import { serveTasks, type MicroTask } from '../micro/serve-tasks.js';

const DATA = 20;
const PARITY = 5;
const SHARD_BYTES = 1200;
const BLOCK_BYTES = (DATA + PARITY) * SHARD_BYTES;

const offsets = Uint32Array.from({ length: DATA + PARITY }, (_, i) => i * SHARD_BYTES);
/** Every fourth data shard is lost: as many as there is parity. */
const present = Uint8Array.from({ length: DATA + PARITY }, (_, i) => (i < DATA && i % 4 === 0 ? 0 : 1));
/** Rates are of data bytes. */
const bytes = DATA * SHARD_BYTES;

function tasksOf(fec: Fec): Record<string, MicroTask> {
  const slab = new Uint8Array(patternBytes(BLOCK_BYTES, 5));
  fec.encode(slab, DATA, PARITY, SHARD_BYTES, offsets);
  const whole = slab.slice();
  offsets.forEach((offset, i) => present[i] === 0 && slab.fill(0, offset, offset + SHARD_BYTES));
  fec.decode(slab, DATA, PARITY, SHARD_BYTES, offsets, present);
  if (Buffer.compare(whole, slab) !== 0) throw new Error(`${fec.kind}: what was lost did not come back`);
  return {
    [`encode-${fec.kind}`]: { bytes, run: () => fec.encode(slab, DATA, PARITY, SHARD_BYTES, offsets) },
    [`decode-${fec.kind}`]: { bytes, run: () => fec.decode(slab, DATA, PARITY, SHARD_BYTES, offsets, present) },
  };
}

/** The best comes last. */
const addon = await loadAddon();
const codes = [createScalarFec(), createWasmFec(), addon && chooseFec(addon)].filter((fec) => fec !== undefined);
const tasks: Record<string, MicroTask> = {};
for (const fec of codes) {
  const own = tasksOf(fec);
  Object.assign(tasks, own);
  for (const task of ['encode', 'decode']) {
    const found = own[`${task}-${fec.kind}`];
    // By its name alone: what a session of this machine uses.
    if (found) tasks[`fec-${task}`] = found;
  }
}

serveTasks(tasks);
