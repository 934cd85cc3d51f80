import { measureTransfer } from '../run/measure-transfer.js';
import { slope } from '../run/statistics.js';
import { nowMs } from '../process/clock.js';
import { tunnelScenario, type Measurement } from './scenario.js';
import { level1, MiB } from './sizes.js';

/** Transfers without a pause for as long as `--soak` says; what grows meanwhile is a leak. */
export const soak = tunnelScenario({
  name: 'soak',
  about: 'downloads, uploads and half-closes for a given time: slopes of memory, handles and timers',
  peers: false,
  runs: 1,
  variants: ({ soakSeconds }) => [level1({ soakSeconds, streams: 4, bytes: MiB / 4 })],
  measure: async (lab, bed, { soakSeconds, streams, bytes }) => {
    const hours: number[] = [];
    const samples: Array<{ memoryMiB: number; handles: number; timers: number }> = [];
    const problems: string[] = [];
    const startMs = nowMs();
    let payload = 0;
    let rounds = 0;
    let last: Measurement = { figures: {}, problems: [] };
    for (; nowMs() - startMs < soakSeconds * 1e3 && problems.length === 0; rounds++) {
      const verb = (['download', 'upload', 'end-first', 'end-last'] as const)[rounds % 4] ?? 'download';
      last = await measureTransfer(lab, bed, { verb, streams, bytesPerStream: bytes });
      problems.push(...last.problems);
      payload += streams * bytes * (verb === 'download' || verb === 'upload' ? 1 : 2);
      hours.push((nowMs() - startMs) / 3_600_000);
      const now = await bed.resources?.();
      if (now) samples.push(now);
    }
    const seconds = (nowMs() - startMs) / 1e3;
    const figures = {
      ...(last.figures.processes && { processes: last.figures.processes }),
      seconds,
      MBps: payload / 1e6 / seconds,
      memoryMiBPerHour: slope(
        hours,
        samples.map(({ memoryMiB }) => memoryMiB),
      ),
      handlesPerHour: slope(
        hours,
        samples.map(({ handles }) => handles),
      ),
      timersPerHour: slope(
        hours,
        samples.map(({ timers }) => timers),
      ),
    };
    return { figures, problems };
  },
});
