import { measureTransfer } from '../run/measure-transfer.js';
import { slope } from '../run/statistics.js';
import { nowMs } from '../process/clock.js';
import { tunnelScenario, type Measurement } from './scenario.js';
import { level2, MiB } from './sizes.js';

/** Part of the time in which processes grow to their size. */
const WARM_UP_SHARE = 0.25;

/** Transfers without a pause for as long as `--soak` says; what grows meanwhile is a leak. */
export const soak = tunnelScenario({
  name: 'soak',
  about: 'downloads, uploads and half-closes for a given time: slopes of memory, handles and timers',
  fewerRuns: () => ({ most: 1, why: 'one run is as long as --soak says' }),
  variants: ({ soakSeconds }) => [level2('bytes', { soakSeconds, streams: 4, bytes: MiB / 4 })],
  lasts: ({ soakSeconds }) => soakSeconds,
  setUp: ({ level, encoding }) => ({ level, encoding }),
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
    // What a process takes for itself at first is no leak.
    const from = Math.floor(samples.length * WARM_UP_SHARE);
    const perHour = (name: 'memoryMiB' | 'handles' | 'timers'): number =>
      slope(
        hours.slice(from),
        samples.slice(from).map((sample) => sample[name]),
      );
    const figures = {
      ...(last.figures.processes && { processes: last.figures.processes }),
      seconds,
      MBps: payload / 1e6 / seconds,
      memoryMiBPerHour: perHour('memoryMiB'),
      handlesPerHour: perHour('handles'),
      timersPerHour: perHour('timers'),
    };
    return { figures, problems };
  },
});
