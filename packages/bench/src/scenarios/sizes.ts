export const MiB = 2 ** 20;

/** How bodies travel. */
export type Encoding = 'text' | 'bytes';
export const ENCODINGS = ['bytes', 'text'] as const;

export const VERBS = ['download', 'upload'] as const;
export type Verb = (typeof VERBS)[number];

/** Parameters of a scenario at level 1, which carries everything as text. */
export const level1 = <P>(params: P): P & { level: 1 | 2; encoding: Encoding } => ({
  level: 1,
  encoding: 'text',
  ...params,
});

/** Parameters of a scenario at level 2. */
export const level2 = <P>(encoding: Encoding, params: P): P & { level: 1 | 2; encoding: Encoding } => ({
  level: 2,
  encoding,
  ...params,
});

/** Largest body that relays take, as it travels: the client's default. */
const LARGEST_BODY_BYTES = 4 * MiB;

/** What of it is left for payload: base64 makes four bytes of three. */
export const payloadOf = (encoding: Encoding, bytes = LARGEST_BODY_BYTES): number =>
  encoding === 'text' ? (bytes * 3) / 4 : bytes;

/** What is said beside figures that the addon was to give. */
export const NO_ADDON = 'the native addon is not there: measured without it';
/** What is said where two processes share cores, though each should have one. */
export const NO_CORES = 'the ends have no core each: taskset, or a second core, is missing';
