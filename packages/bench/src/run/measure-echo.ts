import type { Bed } from '../bed/types.js';
import type { Child } from '../process/child.js';
import type { Measurement } from '../scenarios/scenario.js';
import type { ApplicationVerbs } from '../workers/application.js';
import type { Lab } from './lab.js';
import { distribution, wayTo } from './measure-transfer.js';
import { startMeter } from './meter.js';

/** Which echoes. */
export interface EchoPlan {
  count: number;
  bytes: number;
  stream: 'one' | 'fresh';
  /** Name of the figures. */
  as: 'firstByteMs' | 'latencyMs';
  /** Longest wait for one. Default 30 s. */
  timeoutMs?: number;
  application?: Child<ApplicationVerbs>;
}

/** Echoes one after the other, each compared. */
export async function measureEcho(lab: Lab, bed: Bed, plan: EchoPlan): Promise<Measurement> {
  const { count, bytes, stream, as, timeoutMs = 30_000, application = lab.application } = plan;
  const firstId = lab.takeIds(count);
  const meter = await startMeter(bed);
  const way = wayTo(lab, bed);
  const { timesMs, problems } = await application.call(
    'echo',
    { way, firstId, count, bytes, stream, timeoutMs },
    600_000,
  );
  const { requests, processes } = await meter(0);
  const figures = {
    ...distribution(as, timesMs),
    ...(requests !== undefined && { requests }),
    ...(processes && { processes }),
  };
  return { figures, problems };
}
