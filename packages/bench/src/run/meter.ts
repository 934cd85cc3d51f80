import type { BenchFigures, BenchProcess } from '@millrace/protocol';
import type { Measured, ProcessUsage, Wire } from '../bed/types.js';

/** What is metered: processes, and the wire where it can be seen. */
export interface Metered {
  measured: Measured[];
  wire?(): Promise<Wire>;
  forgetPeak?(): Promise<void>;
}

type MeterFigures = Pick<
  BenchFigures,
  'cpuSecondsPerGB' | 'requests' | 'mostInFlight' | 'wireBytes' | 'overheadPercent' | 'garbageCollections' | 'processes'
>;

/** Reads the meters now; the function it gives reads them again and says what `payloadBytes` have cost since. */
export async function startMeter(bed: Metered): Promise<(payloadBytes: number) => Promise<MeterFigures>> {
  const read = (): Promise<[ProcessUsage[], Wire | undefined]> =>
    Promise.all([Promise.all(bed.measured.map((process) => process.usage())), bed.wire?.()]);
  await bed.forgetPeak?.();
  const [before, wireBefore] = await read();
  return async (payloadBytes) => {
    const [after, wireAfter] = await read();
    const gigabytes = payloadBytes / 1e9;
    const processes = after.map((usage, i) => difference(before[i], usage, gigabytes));
    const collections = processes.map(({ garbageCollections }) => garbageCollections ?? 0);
    const figures: MeterFigures = { processes, garbageCollections: sum(collections) };
    if (gigabytes > 0) figures.cpuSecondsPerGB = sum(processes.map(({ cpuSeconds }) => cpuSeconds)) / gigabytes;
    if (wireBefore && wireAfter) {
      figures.requests = wireAfter.requests - wireBefore.requests;
      figures.mostInFlight = wireAfter.mostInFlight;
      figures.wireBytes = wireAfter.bytes - wireBefore.bytes;
      if (payloadBytes > 0) figures.overheadPercent = (figures.wireBytes / payloadBytes - 1) * 100;
    }
    return figures;
  };
}

function difference(before: ProcessUsage | undefined, after: ProcessUsage, gigabytes: number): BenchProcess {
  const cpuSeconds = after.cpuSeconds - (before?.cpuSeconds ?? 0);
  return {
    role: after.role,
    cpuSeconds,
    ...(gigabytes > 0 && { cpuSecondsPerGB: cpuSeconds / gigabytes }),
    ...(after.peakMemoryMiB !== undefined && { peakMemoryMiB: after.peakMemoryMiB }),
    ...(after.garbageCollections !== undefined && {
      garbageCollections: after.garbageCollections - (before?.garbageCollections ?? 0),
    }),
    ...(after.garbageCollectionMs !== undefined && {
      garbageCollectionMs: after.garbageCollectionMs - (before?.garbageCollectionMs ?? 0),
    }),
  };
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
