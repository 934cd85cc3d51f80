/** Process: Reed-Solomon of a block of 20 data and 5 parity shards, as frames are sent in. */
import { createScalarFec, createWasmFec, type Fec } from '@millrace/udp-session';
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

function tasksOf(fec: Fec, slab: Uint8Array): Record<string, MicroTask> {
  slab.set(patternBytes(BLOCK_BYTES, 5));
  fec.encode(slab, DATA, PARITY, SHARD_BYTES, offsets);
  const whole = slab.slice();
  offsets.forEach((offset, i) => present[i] === 0 && slab.fill(0, offset, offset + SHARD_BYTES));
  fec.decode(slab, DATA, PARITY, SHARD_BYTES, offsets, present);
  if (Buffer.compare(whole, slab) !== 0) throw new Error('what was lost did not come back');
  return {
    [`fec-${fec.kind}-encode`]: { bytes, run: () => fec.encode(slab, DATA, PARITY, SHARD_BYTES, offsets) },
    [`fec-${fec.kind}-decode`]: { bytes, run: () => fec.decode(slab, DATA, PARITY, SHARD_BYTES, offsets, present) },
  };
}

const wasm = createWasmFec({ roomBytes: BLOCK_BYTES });
serveTasks({
  ...tasksOf(createScalarFec(), new Uint8Array(BLOCK_BYTES)),
  ...(wasm && tasksOf(wasm, wasm.room)),
});
