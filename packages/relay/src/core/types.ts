/** The small universal interface between the forwarder and what carries it: a Node server, an edge runtime. */
import type { AbortLike } from '@millrace/protocol';
import type { Failure } from './failure.js';

/** Bytes of a message: all of them, where they are few and at hand, or as they come. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** A client's request, before anything of it was read. */
export interface RelayRequest {
  readonly method: string;
  /** Query parameter `token`. */
  readonly token: string | null;
  readonly contentType?: string | null;
  /** Length that the request promises; undefined where it does not say. */
  readonly contentLength?: number;
  /** The body; as it comes, it throws where the client cuts it. */
  readonly body: Body;
  /** Aborted when the client is gone. */
  readonly signal: AbortLike;
  /** Hears how many bytes of the body were passed on, each time. */
  readonly onSent?: (bytes: number) => void;
}

/** What is sent to the node. */
export interface NodeRequest {
  readonly contentType: string;
  readonly contentLength?: number;
  readonly body: Body;
  /** To be called as soon as some of a body that is at hand may have left. One that comes piece by piece knows by itself. */
  readonly onSending?: () => void;
  /** Aborted when the answer is no longer wanted. */
  readonly signal: AbortLike;
}

/** The node's answer, from its headers on. */
export interface NodeReply {
  readonly status: number;
  readonly contentType?: string | null;
  readonly contentLength?: number;
  /** False where the end of the body cannot be told from a cut: neither a length nor chunks. */
  readonly framed: boolean;
  /** The body; as it comes, it throws where it is cut. */
  readonly body: Body;
}

/** Sends a request to the one node. Rejects where no headers of an answer came. */
export type SendToNode = (request: NodeRequest) => Promise<NodeReply>;

/** What the client gets. */
export interface RelayAnswer {
  readonly status: 200 | 404;
  readonly contentType: string;
  /** Undefined where it is not known before the end. */
  readonly contentLength?: number;
  /** Text where the relay answers by itself. Else the node's bytes as they come, which throws RelayError where they are cut: the client's connection must then be cut too. */
  readonly body: string | Body;
  /** Why the relay answers by itself; absent for a body of the node and for the 404 page. */
  readonly failure?: Failure;
  /** Ends the exchange with the node where its body is not wanted any more. */
  readonly cancel: () => void;
}

export interface ForwardOptions {
  /** How long the node may be silent. */
  readonly nodeTimeoutMs: number;
  /** Largest body, either way. */
  readonly maxBodyBytes: number;
}
