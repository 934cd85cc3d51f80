import { direct } from './direct.js';
import { halfClose } from './half-close.js';
import { latencyUnderLoad } from './latency-under-load.js';
import { micro } from './micro.js';
import { opens } from './opens.js';
import { relayCost } from './relay-cost.js';
import { relayDeadHosts } from './relay-dead-hosts.js';
import { relayFar } from './relay-far.js';
import { relayFloor } from './relay-floor.js';
import { relayIdle } from './relay-idle.js';
import { relayLatency } from './relay-latency.js';
import { relayLevel1 } from './relay-level1.js';
import { relayLink } from './relay-link.js';
import { relayLossy } from './relay-lossy.js';
import { relayPage } from './relay-page.js';
import { relayParallel } from './relay-parallel.js';
import { relayDownload, relayUpload } from './relay-transfer.js';
import { relayUnequal } from './relay-unequal.js';
import type { Scenario } from './scenario.js';
import { soak } from './soak.js';
import { udpBatch } from './udp-batch.js';
import { udpFair } from './udp-fair.js';
import { udpFec } from './udp-fec.js';
import { udpLoss } from './udp-loss.js';
import { udpPath } from './udp-path.js';
import { udpPipeline } from './udp-pipeline.js';
import { udpSeal } from './udp-seal.js';
import { udpTail } from './udp-tail.js';

/** Every scenario, in the order in which they run. Adding one is a file and a line here. */
export const scenarios: readonly Scenario[] = [
  relayFloor,
  relayDownload,
  relayUpload,
  relayLatency,
  relayLink,
  relayFar,
  relayLossy,
  relayUnequal,
  relayParallel,
  relayPage,
  relayDeadHosts,
  relayIdle,
  relayCost,
  relayLevel1,
  latencyUnderLoad,
  opens,
  halfClose,
  direct,
  udpPath,
  udpLoss,
  udpTail,
  udpFair,
  udpPipeline,
  udpBatch,
  udpSeal,
  udpFec,
  micro,
  soak,
];
