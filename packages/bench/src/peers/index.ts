import { chisel } from './chisel.js';
import { haproxy } from './haproxy.js';
import type { Peer } from './peer.js';
import { shadowsocks } from './shadowsocks.js';
import { ssh } from './ssh.js';
import { stunnel } from './stunnel.js';
import { wstunnel } from './wstunnel.js';

/** Every peer that the benchmark can start. Adding one is a file and a line here. */
export const peers: readonly Peer[] = [haproxy, stunnel, ssh, shadowsocks, chisel, wstunnel];

/** The peer that every installation has: a plain pipe in Node. It is one of our workers, not a program. */
export const PIPE_PEER = 'pipe';
