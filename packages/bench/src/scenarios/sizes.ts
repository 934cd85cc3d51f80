export const MiB = 2 ** 20;

/** Level 1 carries everything as text. */
const LEVEL_1 = { level: 1, encoding: 'text' } as const;

/** Parameters of a scenario at level 1. */
export const level1 = <P>(params: P): typeof LEVEL_1 & P => ({ ...LEVEL_1, ...params });
