import { SessionError } from '../errors.js';
import { SECRET_BYTES, type Cipher } from './crypto.js';
import { PACKETS_PER_PHASE } from './key-schedule.js';
import { BASE_PACKET_BYTES } from './items.js';

/** Which end of a session this is: the host waits for clients, and is the one that gets their input. */
export type Role = 'host' | 'client';

/** What both ends have to agree on; the handshake, or the caller, provides it. */
export interface SessionKeys {
  readonly cipher: Cipher;
  /** 32 bytes each: what one end sends with is what the other receives with. */
  readonly sendSecret: Uint8Array;
  readonly receiveSecret: Uint8Array;
  /** The connection id in packets to this end, and in packets to the peer: 0 to 255. */
  readonly localId: number;
  readonly peerId: number;
  /** Without a role there is no input: events of both ends are alike. */
  readonly role?: Role | undefined;
}

/** Options of a session. Every one has a default. */
export interface SessionOptions {
  /** Send at this rate, bits per second of UDP payload, instead of what the congestion control finds. Default: none. */
  readonly fixedRate?: number | undefined;
  /** Never send faster than this, bits per second. Default: no limit. */
  readonly maxRate?: number | undefined;
  /** Whether frames are paced. Off only for measurements: bursts overrun the queues of real paths. Default true. */
  readonly paced?: boolean | undefined;
  /** The part of the time between frames over which one is spread, 0 (as fast as the path bears) to 1. Default 0.5. */
  readonly spread?: number | undefined;
  /** Least parity as a share of the data, 0 to 0.9. Default 0. */
  readonly parityFloor?: number | undefined;
  /** Most parity, the wire budget, 0 to 0.9. Default 0.5. */
  readonly parityCeiling?: number | undefined;
  /** Most data shards of a block, 1 to 200. Larger ones need less parity and more computation. Default 64. */
  readonly blockShards?: number | undefined;
  /** Whether missing shards are asked for where the round trip leaves time. Default true. */
  readonly retransmit?: boolean | undefined;
  /** The largest UDP payload that is tried, 1200 to 65,507 bytes. Default 1472: Ethernet with IPv4. */
  readonly maxPacketBytes?: number | undefined;
  /** How often loss is reported while packets arrive, 20 to 50 ms. Default 20. */
  readonly reportMs?: number | undefined;
  /** How long a packet that others overtook is waited for at least, 1 to 50 ms. Default 5; it follows what is measured. */
  readonly reorderMs?: number | undefined;
  /** The session ends when nothing authentic arrives for this long, 1000 to 600,000 ms. Default 10,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Largest frame, sent or received, up to 60 MiB. Default 16 MiB. */
  readonly maxFrameBytes?: number | undefined;
  /** Most frames that are put together at a time, up to 4096. Default 256. */
  readonly maxFrames?: number | undefined;
  /** A received frame is given up at this age, whatever its deadline, up to 60,000 ms. Default 5000. */
  readonly maxFrameAgeMs?: number | undefined;
  /** Most memory for frames that arrive, those not released included. Default 64 MiB. */
  readonly maxReceiveBytes?: number | undefined;
  /** Most memory for frames that are sent. Default 64 MiB. */
  readonly maxSendBytes?: number | undefined;
  /** Packets under one key, 1 to 2^20, the same at both ends. Default 2^20; less only makes sense in tests. */
  readonly packetsPerPhase?: number | undefined;
}

/** The same, with every default filled in. */
export interface ResolvedOptions extends Readonly<
  Omit<{ [Name in keyof SessionOptions]-?: NonNullable<SessionOptions[Name]> }, 'fixedRate'>
> {
  readonly fixedRate: number | undefined;
}

const MIB = 2 ** 20;

/** Options with their defaults, in range. Throws SESSION_OPTION, also on a name that does not exist. */
export function resolveOptions(options: SessionOptions): ResolvedOptions {
  const { fixedRate, paced = true, retransmit = true } = options;
  const known: Record<keyof SessionOptions, true> = {
    fixedRate: true,
    maxRate: true,
    paced: true,
    spread: true,
    parityFloor: true,
    parityCeiling: true,
    blockShards: true,
    retransmit: true,
    maxPacketBytes: true,
    reportMs: true,
    reorderMs: true,
    idleTimeoutMs: true,
    maxFrameBytes: true,
    maxFrames: true,
    maxFrameAgeMs: true,
    maxReceiveBytes: true,
    maxSendBytes: true,
    packetsPerPhase: true,
  };
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw new SessionError('SESSION_OPTION', `there is no option ${name}`);
  }
  const number = (name: keyof SessionOptions, fallback: number, least: number, most: number): number => {
    const value = options[name] ?? fallback;
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw new SessionError('SESSION_OPTION', `${name} is from ${least} to ${most}, not ${String(value)}`);
  };
  const whole = (...range: Parameters<typeof number>): number => {
    const value = number(...range);
    if (Number.isInteger(value)) return value;
    throw new SessionError('SESSION_OPTION', `${range[0]} is a whole number, not ${value}`);
  };
  const parityFloor = number('parityFloor', 0, 0, 0.9);
  const maxFrameBytes = whole('maxFrameBytes', 16 * MIB, 1, 60 * MIB);
  return {
    fixedRate: fixedRate === undefined ? undefined : number('fixedRate', 0, 10_000, 1e12),
    maxRate: number('maxRate', Number.POSITIVE_INFINITY, 10_000, Number.POSITIVE_INFINITY),
    paced,
    spread: number('spread', 0.5, 0, 1),
    parityFloor,
    parityCeiling: number('parityCeiling', Math.max(0.5, parityFloor), parityFloor, 0.9),
    blockShards: whole('blockShards', 64, 1, 200),
    retransmit,
    maxPacketBytes: whole('maxPacketBytes', 1472, BASE_PACKET_BYTES, 65_507),
    reportMs: number('reportMs', 20, 20, 50),
    reorderMs: number('reorderMs', 5, 1, 50),
    idleTimeoutMs: number('idleTimeoutMs', 10_000, 1000, 600_000),
    maxFrameBytes,
    maxFrames: whole('maxFrames', 256, 1, 4096),
    maxFrameAgeMs: number('maxFrameAgeMs', 5000, 10, 60_000),
    maxReceiveBytes: whole('maxReceiveBytes', 64 * MIB, MIB, 4096 * MIB),
    maxSendBytes: whole('maxSendBytes', 64 * MIB, MIB, 4096 * MIB),
    packetsPerPhase: whole('packetsPerPhase', PACKETS_PER_PHASE, 1, PACKETS_PER_PHASE),
  };
}

/** Throws SESSION_OPTION when keys cannot be right. */
export function checkKeys(keys: SessionKeys): void {
  for (const name of ['sendSecret', 'receiveSecret'] as const) {
    if (keys[name].length === SECRET_BYTES) continue;
    throw new SessionError('SESSION_OPTION', `${name} has ${SECRET_BYTES} bytes`);
  }
  if (keys.role !== undefined && keys.role !== 'host' && keys.role !== 'client') {
    throw new SessionError('SESSION_OPTION', `role is host or client, not ${String(keys.role)}`);
  }
  for (const name of ['localId', 'peerId'] as const) {
    if (Number.isInteger(keys[name]) && keys[name] >= 0 && keys[name] <= 255) continue;
    throw new SessionError('SESSION_OPTION', `${name} is a whole number from 0 to 255`);
  }
}
