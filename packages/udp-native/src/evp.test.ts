import { describe, expect, test, vi } from 'vitest';

import { built, loadFaulty, needsBuild } from '../test/addon.js';
import { Collector, outgoing } from '../test/sockets.js';

describe.skipIf(!built)(`a runtime without an OpenSSL that can be used ${needsBuild}`, () => {
  test('there is no AEAD, and everything else works', async () => {
    // Looked up once per process, as the module loads: no other test of this file may have loaded it before.
    vi.stubEnv('MILLRACE_TEST_HIDDEN', 'EVP_CIPHER_CTX_get_params');
    const { addon } = loadFaulty();
    vi.unstubAllEnvs();
    expect(addon.aead).toBeUndefined();
    expect(addon.fec.kernels).toContain('scalar');
    const receiver = new Collector(addon);
    const sender = addon.openSocket({ address: '127.0.0.1' });
    const { slab, rows, addresses } = outgoing([new Uint8Array(100).fill(7)], [receiver.socket.address.port]);
    sender.send(slab, rows, 1, addresses);
    await receiver.have(1);
    expect(receiver.packets[0]!.data).toEqual(Buffer.alloc(100, 7));
    sender.close();
    receiver.socket.close();
  });
});
