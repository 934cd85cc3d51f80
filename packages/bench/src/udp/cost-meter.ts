import { GCProfiler, getHeapStatistics } from 'node:v8';

/** What a process has used between two points. */
export interface Cost {
  cpuNs: number;
  /** JavaScript heap that was allocated, whether it is in use still or was collected meanwhile. */
  heapBytes: number;
}

/**
 * Measures this process. What it allocated is what its heap grew by, and what each collection gave back: V8 tells of the
 * heap before and after every one. Buffers' bytes lie outside that heap; their objects are in it.
 */
export class CostMeter {
  #collections = new GCProfiler();
  #heapBytes = 0;
  #cpu = process.cpuUsage();

  start(): void {
    this.#collections = new GCProfiler();
    this.#collections.start();
    this.#heapBytes = getHeapStatistics().used_heap_size;
    this.#cpu = process.cpuUsage();
  }

  /** What was used since `start`. */
  finish(): Cost {
    const { user, system } = process.cpuUsage(this.#cpu);
    const grown = getHeapStatistics().used_heap_size - this.#heapBytes;
    const { statistics } = this.#collections.stop();
    const freed = statistics.map(
      ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
    );
    return { cpuNs: (user + system) * 1e3, heapBytes: freed.reduce((sum, bytes) => sum + bytes, grown) };
  }
}
