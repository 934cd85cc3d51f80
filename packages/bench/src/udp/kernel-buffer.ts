import { readFileSync } from 'node:fs';

/** What sockets of a session ask the kernel for. */
const ASKED_BYTES = 4 * 2 ** 20;
/** What a socket gets at least, on systems that do not say what they give. */
const LEAST_BYTES = 208 * 1024;
/** What a packet of up to 1,500 bytes takes of it on Linux, its own bytes included; others take less. */
const PACKET_BYTES = 2304;
/** Left for what else arrives, such as reports. */
const SHARE = 0.8;

/** Packets, each by itself, that fit into the receive buffer of a socket that nobody reads: what is more would be lost. */
export function packetsThatFit(mostBytes: number = mostReceiveBytes()): number {
  // Linux gives twice what was asked for, since it counts what it adds.
  return Math.floor((SHARE * 2 * Math.min(ASKED_BYTES, mostBytes)) / PACKET_BYTES);
}

function mostReceiveBytes(): number {
  try {
    return Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8')) || LEAST_BYTES;
  } catch {
    return LEAST_BYTES;
  }
}
