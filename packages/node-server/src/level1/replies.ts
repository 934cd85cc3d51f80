import { CAPABILITY, type BatchOp, type TunnelResponse, VERSION } from '@millrace/protocol';
import { codeOf } from '../errors.js';

// Fields stand in the order of the spec, which is the order in which they are written.

/** What this node can do, as a level 1 client sees it: it may go on to level 2. */
export const LEVEL1_CAPS: number = CAPABILITY.PIPELINE_SEQ | CAPABILITY.RELIABLE_STREAM | CAPABILITY.DATAGRAMS;

type Named = Pick<BatchOp, 'sid' | 'seq'>;

/** The op failed, alone. */
export function errorReply(op: Named, error: unknown): TunnelResponse {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  // Only who has the key reads this, and a bug can only be reported with what it says.
  const e = code === 'INTERNAL' ? `internal error: ${message}` : message;
  return { ...sidOf(op), e, code, ...seqOf(op) };
}

/**
 * The stream or flow is not known (any more). Older clients take that as its end; the code tells the others that it is none,
 * so that a stream cut by a restart is never taken for complete.
 */
export function unknownSid(op: Named): TunnelResponse {
  return { ...sidOf(op), eof: true, code: 'UNKNOWN_SID', ...seqOf(op) };
}

/** The stream was closed as asked. */
export function closedReply(op: Named): TunnelResponse {
  return { ...sidOf(op), eof: true };
}

/** Bytes of a stream. */
export function bytesReply(sid: string, d: string | undefined, eof: boolean, op: Named): TunnelResponse {
  return { sid, ...(d !== undefined && { d }), eof, ...seqOf(op) };
}

/** Datagrams of a flow. */
export function datagramsReply(sid: string, pkts: string[]): TunnelResponse {
  return { sid, ...(pkts.length > 0 && { pkts }), eof: false };
}

/** Who answers. */
export function versionReply(node: string): TunnelResponse {
  return { caps: LEVEL1_CAPS, v: VERSION, node, now: Date.now() };
}

const sidOf = ({ sid }: Named): { sid?: string } => (sid === undefined ? {} : { sid });
const seqOf = ({ seq }: Named): { seq?: number } => (seq === undefined ? {} : { seq });
