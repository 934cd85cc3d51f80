import { createNode, type TunnelNode } from './node.js';
import { type NodeOptions, resolveOptions } from './options.js';

export { NodeError } from './errors.js';
export type { NodeOptions } from './options.js';
export type { NodeStats, TunnelNode } from './node.js';

/**
 * Starts a tunnel node: a listener that clients and relays post bodies to, and an admin listener. Resolves when both are up.
 * @throws NodeError `KEY_MISSING`, `KEY_WEAK`, `CONFIG_INVALID`, `CONFIG_UNKNOWN_KEY`, `ADDRESS_IN_USE`, `ADDRESS_UNAVAILABLE`.
 */
export async function startNode(options: NodeOptions): Promise<TunnelNode> {
  return createNode(resolveOptions(options));
}
