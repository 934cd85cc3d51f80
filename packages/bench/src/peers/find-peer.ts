import { findProgram } from '@millrace/testkit';
import type { Peer } from './peer.js';

/** Where the programs of a peer are; undefined when one of them is missing. */
export function findPeer(peer: Peer): Record<string, string> | undefined {
  const paths: Record<string, string> = {};
  for (const name of peer.programs) {
    const { path } = findProgram(name);
    if (path === undefined) return undefined;
    paths[name] = path;
  }
  return paths;
}
