/** The one place that picks the level of the wire. */
import { CAPABILITY, encodeBase64, type EventHub, type MillraceEvent } from '@millrace/protocol';
import { createAuto } from '../auto/auto-level.js';
import { RelayMemory } from '../auto/relay-memory.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { createLevel1 } from '../level1/level1.js';
import { createLevel2, type Level2 } from '../level2/level2.js';
import type { ResolvedOptions } from '../options.js';
import type { StateKeeper } from '../state/index.js';
import type { Level } from './level.js';

/** What a level builds on. */
export interface LevelParts {
  readonly options: ResolvedOptions;
  readonly pool: RelayPool;
  readonly events: EventHub<MillraceEvent>;
  readonly keeper: StateKeeper | undefined;
}

const CID_BYTES = 16;

/** The level that `options.level` asks for, over the relays of the pool. */
export function pickLevel({ options, pool, events, keeper }: LevelParts): Level {
  const parts = { options, pool, events };
  if (options.level === '1') return createLevel1(parts);
  const memory = new RelayMemory(pool, keeper);
  if (options.level === '2') return fixed2(parts, memory);
  const cid = encodeBase64(globalThis.crypto.getRandomValues(new Uint8Array(CID_BYTES)));
  const hello = { caps: CAPABILITY.PIPELINE_SEQ | CAPABILITY.RELIABLE_STREAM | CAPABILITY.DATAGRAMS, cid };
  return createAuto({
    ...parts,
    memory,
    createLevel1: (hooks) => createLevel1({ ...parts, hello, ...hooks }),
    createLevel2: (hooks) => createLevel2({ ...parts, ...hooks }),
  });
}

/** Level 2 and nothing else, over every relay. */
function fixed2(parts: Omit<LevelParts, 'keeper'>, memory: RelayMemory): Level {
  const { pool } = parts;
  const level: Level2 = createLevel2({
    ...parts,
    onHold: (relay) => memory.noteHold(relay, level.holdMs(relay)),
  });
  const begin = (): void => {
    for (const relay of pool.relays) {
      level.addRelay(relay, level.nodes.firstForm(relay), memory.of(relay).holdMs);
    }
  };
  for (const relay of pool.relays) relay.carrier.prepare();
  if (memory.loaded === undefined) begin();
  else void memory.loaded.then(begin);
  return level;
}
