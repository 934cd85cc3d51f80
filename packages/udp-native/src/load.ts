import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { NativeAead } from './aead.js';
import type { Binding } from './binding.js';
import { NativeError } from './error.js';
import type { NativeFec } from './fec.js';
import { NativeSocket, type SocketOptions } from './socket.js';

/** The addon, loaded. */
export interface NativeAddon {
  /** The file that it was loaded from. */
  readonly path: string;
  /** Undefined where the runtime has no OpenSSL that could be used: everything else works. */
  readonly aead: NativeAead | undefined;
  readonly fec: NativeFec;
  /** Opens and binds a UDP socket. Throws `NATIVE_SYSTEM` when the system refuses. */
  openSocket(options?: SocketOptions): NativeSocket;
}

const require = createRequire(import.meta.url);
const loaded = new Map<string, NativeAddon | undefined>();

/**
 * The addon, or undefined where there is none for this machine; it never throws. The places, in their order: what was built from
 * source, in `build/Release` of this package; the package of the system, `@millrace/udp-native-linux-x64-gnu`.
 * `MILLRACE_NATIVE=0` in the environment forbids it; an absolute path there names the one file to load.
 */
export function loadNative(): NativeAddon | undefined {
  const wish = process.env['MILLRACE_NATIVE'] ?? '';
  if (wish === '0') return undefined;
  if (loaded.has(wish)) return loaded.get(wish);
  const addon = isAbsolute(wish) ? tryLoad(wish) : firstOf([builtHere, systemPackage]);
  loaded.set(wish, addon);
  return addon;
}

/** Loads one file; throws what the system says when it cannot be loaded. */
export function loadFrom(path: string): NativeAddon {
  const binding = require(path) as Binding;
  binding.setErrorClass(NativeError);
  const { algorithms, createKey, seal, open, kernels, combine, solve } = binding;
  return {
    path,
    aead: algorithms === undefined ? undefined : { algorithms, createKey, seal, open },
    fec: { kernels, combine, solve },
    openSocket: (options = {}) => new NativeSocket(binding, options),
  };
}

/** A binary for another C library than glibc would be another package; npm installs none where it does not fit. */
const systemPackage = `@millrace/udp-native-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
const builtHere = fileURLToPath(new URL('../build/Release/udp_native.node', import.meta.url));

function firstOf(paths: readonly string[]): NativeAddon | undefined {
  for (const path of paths) {
    const addon = tryLoad(path);
    if (addon !== undefined) return addon;
  }
  return undefined;
}

function tryLoad(path: string): NativeAddon | undefined {
  try {
    return loadFrom(require.resolve(path));
  } catch {
    // Not there, or made for another system, C library or runtime: the next place, or none, is as good.
    return undefined;
  }
}
