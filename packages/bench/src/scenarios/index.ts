import { direct } from './direct.js';
import { halfClose } from './half-close.js';
import { latencyUnderLoad } from './latency-under-load.js';
import { micro } from './micro.js';
import { opens } from './opens.js';
import { relayDeadHosts } from './relay-dead-hosts.js';
import { relayFloor } from './relay-floor.js';
import { relayLatency } from './relay-latency.js';
import { relayLevel1 } from './relay-level1.js';
import { relayParallel } from './relay-parallel.js';
import { relayDownload, relayUpload } from './relay-transfer.js';
import type { Scenario } from './scenario.js';
import { soak } from './soak.js';

/** Every scenario, in the order in which they run. Adding one is a file and a line here. */
export const scenarios: readonly Scenario[] = [
  relayFloor,
  relayDownload,
  relayUpload,
  relayLatency,
  relayParallel,
  relayLevel1,
  relayDeadHosts,
  latencyUnderLoad,
  opens,
  halfClose,
  direct,
  micro,
  soak,
];
