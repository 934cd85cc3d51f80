import { connect } from './connect.js';
import type { SessionHandle } from './session-handle.js';
import { listen } from './udp-host.js';

/** A session over UDP: frames, events and datagrams, encrypted, with forward error correction, paced. */
export type UdpSession = SessionHandle;

/** Where sessions come from: `listen` waits for callers, `connect` is one. */
export const UdpSession = { listen, connect } as const;
