/**
 * Milliseconds of the machine's monotonic clock. Every process of one machine reads the same clock, so that what the
 * source says it sent and what the sink says it got can be compared.
 */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
