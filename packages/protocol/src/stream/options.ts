import { ProtocolError } from '../errors.js';

/** Options and limits of one engine. Every field has a default; `resolveStreamOptions` checks the ranges. */
export interface StreamEngineOptions {
  /** Streams and flows at once. Default 4,096: four browsers' worth; each costs its two floors. */
  maxStreams?: number;
  /** Receive credit of each stream outside the shared budget, bytes. Default 65,536 (R9); both sides rely on it. */
  receiveFloorBytes?: number;
  /** Receive credit that all streams share beyond their floors, bytes. Default 40 MiB: three seconds of 100 Mbit/s. */
  receiveBudgetBytes?: number;
  /** Most receive credit of one stream, bytes. Default 40 MiB: all that there is. */
  receiveCeilingBytes?: number;
  /** Most that a stream gets beyond its floor before it moved a byte. Default 192 KiB: most streams need no more. */
  firstGrantBytes?: number;
  /** Most that a stream gets at once when it has moved its floor. Default 12 MiB: the first second of 100 Mbit/s. */
  bulkGrantBytes?: number;
  /** Send buffer of each stream outside the shared budget, bytes. Default 16 KiB: a write of a usual application. */
  sendFloorBytes?: number;
  /** Send buffer that all streams share beyond their floors, bytes. Default 32 MiB: one upload of 100 Mbit/s at 2 s. */
  sendBudgetBytes?: number;
  /** Gaps in one stream's received bytes. Default 16; what would make more is dropped and comes again. */
  maxGaps?: number;
  /** Ranges of one stream's lost bytes that are told apart. Default 64; more are joined. */
  maxLostRanges?: number;
  /** Packets in flight that are remembered. Default 4,096; the oldest of more count as lost. */
  maxRecords?: number;
  /** Segments in flight that are remembered, in all packets. Default 32,768; beyond, the oldest packets count as lost. */
  maxRecordItems?: number;
  /** Ranges of the peer's packet numbers that are remembered. Default 256. */
  maxSeenRanges?: number;
  /** Ranges in `got` and `lost` of one packet, at most 1,024 by the wire. Default 32: the newest matter. */
  maxSentRanges?: number;
  /** Segments in one packet, at most 4,096 by the wire. Default 2,048. */
  maxSegments?: number;
  /** Exchanges that a node holds for one client. Default 128; the oldest of more is answered at once. */
  maxHeldExchanges?: number;
  /** Paths of one engine. Default 64. */
  maxPaths?: number;
  /** Datagrams that wait in one direction of one flow. Default 128; the oldest is dropped. */
  flowQueueDatagrams?: number;
  /** Bytes of datagrams that wait in one direction of one flow. Default 128 KiB; the oldest is dropped. */
  flowQueueBytes?: number;
  /** Bytes of datagrams that wait in all flows and directions. Default 4 MiB. */
  flowBudgetBytes?: number;
  /** Longest that a datagram waits, ms. Default 2,000. */
  datagramMaxAgeMs?: number;
  /** Longest that bulk bytes wait for company, ms. Default 20 (R7). */
  lingerMs?: number;
  /** How long a bare ack waits for company, ms. Default 25, as QUIC's (RFC 9000, 18.2). */
  ackDelayMs?: number;
  /** Hold of an exchange that carries something the node must get, ms. Default 1,000: its loss is found after it. */
  contentHoldMs?: number;
  /** Least time after which a blocked sender asks, ms. Default 500. */
  minAskMs?: number;
  /** Most time between two questions of a blocked sender, ms. Default 60,000. */
  maxAskMs?: number;
  /** Least patience with an exchange, beyond its hold, ms. Default 1,000. */
  minPatienceMs?: number;
  /** Patience with an exchange of a path that has not answered yet, beyond its hold, ms. Default 10,000: a cold start. */
  initialPatienceMs?: number;
  /** Capability bits that every packet shows. Default 6: reliable streams and datagrams. */
  caps?: number;
}

type Rule = readonly [fallback: number, least: number, most: number];
const MIB = 1024 * 1024;
const RULES: Record<keyof StreamEngineOptions, Rule> = {
  maxStreams: [4096, 1, 32_768],
  receiveFloorBytes: [65_536, 65_536, 65_536],
  receiveBudgetBytes: [40 * MIB, 0, 16_384 * MIB],
  receiveCeilingBytes: [40 * MIB, 65_536, 4096 * MIB],
  firstGrantBytes: [192 * 1024, 0, 4096 * MIB],
  bulkGrantBytes: [12 * MIB, 0, 4096 * MIB],
  sendFloorBytes: [16_384, 1024, 64 * MIB],
  sendBudgetBytes: [32 * MIB, 0, 16_384 * MIB],
  maxGaps: [16, 1, 4096],
  maxLostRanges: [64, 1, 4096],
  maxRecords: [4096, 16, 65_536],
  maxRecordItems: [32_768, 64, 1_048_576],
  maxSeenRanges: [256, 8, 4096],
  maxSentRanges: [32, 1, 1024],
  maxSegments: [2048, 4, 4096],
  maxHeldExchanges: [128, 1, 4096],
  maxPaths: [64, 1, 1024],
  flowQueueDatagrams: [128, 1, 65_536],
  flowQueueBytes: [131_072, 65_507, 64 * MIB],
  flowBudgetBytes: [4 * MIB, 65_507, 1024 * MIB],
  datagramMaxAgeMs: [2000, 1, 2000],
  lingerMs: [20, 0, 20],
  ackDelayMs: [25, 0, 1000],
  contentHoldMs: [1000, 0, 60_000],
  minAskMs: [500, 1, 60_000],
  maxAskMs: [60_000, 1, 600_000],
  minPatienceMs: [1000, 1, 600_000],
  initialPatienceMs: [10_000, 1, 600_000],
  caps: [6, 0, 0xffff_ffff],
};

export type ResolvedStreamOptions = Readonly<Required<StreamEngineOptions>>;

/** All options with their defaults. Throws ProtocolError CONFIG_INVALID, or CONFIG_UNKNOWN_KEY, naming the option. */
export function resolveStreamOptions(options: StreamEngineOptions = {}): ResolvedStreamOptions {
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(RULES, key)) {
      throw new ProtocolError('CONFIG_UNKNOWN_KEY', `stream options: no such option: ${key}`);
    }
  }
  return resolveRules(RULES, options, 'stream options');
}

/** `given` with defaults, each value a whole number (milliseconds may be fractions) within its rule. */
export function resolveRules<K extends string>(
  rules: Record<K, Rule>,
  given: Partial<Record<K, number | undefined>>,
  what: string,
): Readonly<Record<K, number>> {
  const resolved = {} as Record<K, number>;
  for (const key of Object.keys(rules) as K[]) {
    const [fallback, least, most] = rules[key];
    const value = given[key] ?? fallback;
    if (!(value >= least && value <= most) || (!key.endsWith('Ms') && !Number.isInteger(value))) {
      throw new ProtocolError('CONFIG_INVALID', `${what}: ${key} is ${value}, allowed are ${least} to ${most}`);
    }
    resolved[key] = value;
  }
  return resolved;
}

/** What the engine must know of a way to the peer. */
export interface PathOptions {
  /** Requests and responses in pairs (HTTP), or packets either way (websocket, UDP). */
  paired: boolean;
  /** Unpaired only: packets arrive in the order sent or not at all. Default false. */
  ordered?: boolean;
  /** Largest packet towards the peer, encoded, bytes. Default 4 MiB. What a carrier adds (token, base64) is taken off before. */
  maxRequestBytes?: number;
  /** Paired only: largest response packet, encoded, bytes. Default 4 MiB. */
  maxResponseBytes?: number;
  /** Paired only: longest that the relay bears a held exchange, ms; 0 for none. Default 15,000. */
  holdMs?: number;
  /** Paired only: hold to begin with, as remembered from before, ms. Default: half of `holdMs`. */
  startHoldMs?: number;
  /** Paired only: most exchanges at once. Default 8. */
  concurrency?: number;
}

const PATH_RULES = {
  maxRequestBytes: [4 * MIB, 1024, 64 * MIB],
  maxResponseBytes: [4 * MIB, 1024, 64 * MIB],
  holdMs: [15_000, 0, 600_000],
  concurrency: [8, 1, 1024],
} as const satisfies Partial<Record<keyof PathOptions, Rule>>;

export type ResolvedPathOptions = Readonly<Required<PathOptions>>;

/** A path's options with their defaults. Throws ProtocolError CONFIG_INVALID. */
export function resolvePathOptions(options: PathOptions): ResolvedPathOptions {
  const { maxRequestBytes, maxResponseBytes, holdMs, concurrency } = options;
  const resolved = resolveRules(PATH_RULES, { maxRequestBytes, maxResponseBytes, holdMs, concurrency }, 'path options');
  const startHoldMs = Math.min(resolved.holdMs, Math.max(0, options.startHoldMs ?? resolved.holdMs / 2));
  return { ...resolved, paired: options.paired, ordered: options.ordered ?? false, startHoldMs };
}
