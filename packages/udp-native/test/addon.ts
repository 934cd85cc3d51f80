import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadFrom, type NativeAddon } from '../src/load.js';

// `MILLRACE_NATIVE=0` is for those who use the addon: its own tests run whenever it has been built.
const wish = process.env['MILLRACE_NATIVE'] ?? '';
const folder = isAbsolute(wish) ? dirname(wish) : fileURLToPath(new URL('../build/Release', import.meta.url));

/** The addon as it is packed. */
export const addonPath = join(folder, 'udp_native.node');
const faultyPath = join(folder, 'udp_native_test.node');

/** Whether there is something to test. */
export const built = existsSync(addonPath) && existsSync(faultyPath);
/** Behind the names of tests that are not applicable without the addon. */
export const needsBuild = '(needs npm run build:native -w @millrace/udp-native)';

/** The addon of this build. Only where `built`. */
export function loadBuilt(): NativeAddon {
  return loadFrom(addonPath);
}

/** A message as the fake kernel is given it. */
export interface SentMessage {
  readonly data: Uint8Array;
  /** Length of the segments, 0 without. */
  readonly segmentBytes: number;
  /** Pieces of memory that it was gathered from. */
  readonly parts: number;
}

/** A message that the fake kernel gives. */
export interface GivenMessage {
  readonly data: Uint8Array;
  /** Length of the packets that were joined. */
  readonly piece?: number;
  readonly truncated?: number;
  readonly port?: number;
  readonly family?: number;
}

/** Functions in place of system calls: undefined leaves the call to the system, a negative number is an errno. */
export interface FakeCalls {
  send?(messages: SentMessage[]): number | number[] | undefined;
  receive?(count: number, slotBytes: number): GivenMessage[] | number | undefined;
  setOption?(level: number, name: number): number | undefined;
  getOption?(level: number, name: number): number | undefined;
  now?(): number;
}

/** The build whose system calls can be replaced. */
export function loadFaulty(): { addon: NativeAddon; setCalls(calls: FakeCalls | undefined): void } {
  const addon = loadFrom(faultyPath);
  const binding = createRequire(import.meta.url)(faultyPath) as { setCalls(calls: FakeCalls | undefined): void };
  return { addon, setCalls: (calls) => binding.setCalls(calls) };
}
