import { afterEach, describe, expect, test, vi } from 'vitest';

import { addonPath, built, needsBuild } from '../test/addon.js';
import { loadFrom, loadNative } from './load.js';

afterEach(() => vi.unstubAllEnvs());

describe('loading', () => {
  test('MILLRACE_NATIVE=0 forbids the addon', () => {
    vi.stubEnv('MILLRACE_NATIVE', '0');
    expect(loadNative()).toBeUndefined();
  });

  test('a file that is missing or no addon gives none, and does not throw', () => {
    for (const path of ['/nowhere/udp_native.node', import.meta.dirname]) {
      vi.stubEnv('MILLRACE_NATIVE', path);
      expect(loadNative()).toBeUndefined();
    }
  });

  test('loading one file that is not there throws', () => {
    expect(() => loadFrom('/nowhere/udp_native.node')).toThrow(/nowhere/);
  });
});

describe.skipIf(!built)(`loading what was built ${needsBuild}`, () => {
  test('an absolute path in MILLRACE_NATIVE names the file, which is loaded once', () => {
    vi.stubEnv('MILLRACE_NATIVE', addonPath);
    const addon = loadNative();
    expect(addon?.path).toBe(addonPath);
    expect(loadNative()).toBe(addon);
  });

  test('without a wish there is an addon', () => {
    vi.stubEnv('MILLRACE_NATIVE', '');
    expect(loadNative()?.fec.kernels).toContain('scalar');
  });
});
