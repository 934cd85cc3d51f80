import type { Tunnel } from '@millrace/client';
import { parseHostPort, type ErrorCode } from '@millrace/protocol';
import { toCliError } from '../errors.js';
import { failed, passed, type Finding } from './checklist.js';

/**
 * A target that no node should open to clients, and that costs nobody a packet: the node itself, at a port where by
 * convention nobody listens. Its refusal shows that dials are carried out, and that the policy is on.
 */
const OWN_ADDRESS = '127.0.0.1:9';

/** Whether the node dials, told by an address of its own. */
export async function dialOwn(tunnel: Tunnel): Promise<Finding> {
  const problem = await dial(tunnel, OWN_ADDRESS);
  if (problem?.code === 'POLICY_DENIED') return passed('the node takes dials, and keeps its own network closed');
  if (!problem || problem.code === 'DIAL_REFUSED')
    return passed('the node dials, and opens its own network to clients');
  return failed(problem.code, `the node does not dial: ${problem.message}`);
}

/** Whether a target is reached. */
export async function dialTarget(tunnel: Tunnel, target: string): Promise<Finding> {
  const problem = await dial(tunnel, target);
  if (!problem) return passed(`${target} is reached`);
  return failed(problem.code, `${target} is not reached: ${problem.message}`);
}

/** Whether the node has IPv6. Without it most targets work all the same. */
export async function dialIpv6(tunnel: Tunnel, target: string): Promise<Finding> {
  const problem = await dial(tunnel, target);
  if (!problem) return passed(`${target} is reached over IPv6`);
  if (problem.code === 'DIAL_NET_UNREACHABLE') {
    return failed('PEER_NO_IPV6', `the node has no route to ${target}`, { warning: true });
  }
  return failed(problem.code, `${target} is not reached: ${problem.message}`);
}

async function dial(tunnel: Tunnel, target: string): Promise<{ code: ErrorCode; message: string } | undefined> {
  const { host, port } = parseHostPort(target);
  try {
    const stream = await tunnel.connect({ host, port, openReply: 'result' });
    stream.reset();
    return undefined;
  } catch (error) {
    return toCliError(error);
  }
}
