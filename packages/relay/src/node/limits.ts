/** Every bound of the Node relay that is not an option. */

/** How long opening a connection to the node may take, so that a dead address is told before a client's patience ends. */
export const NODE_CONNECT_TIMEOUT_MS = 8_000;

/** How long a client may take to send a request: a batch of 4 MiB over 20 kB/s takes 280 s as base64. */
export const REQUEST_TIMEOUT_MS = 300_000;

/** How long a client may take to send a request's head. */
export const HEADERS_TIMEOUT_MS = 15_000;

/** How long an idle connection of a client is kept, so that its next exchange needs no new one. */
export const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** How long a client may take nothing of an answer before it is cut. Longer gains nothing: clients time out at 60 s. */
export const CLIENT_STALL_TIMEOUT_MS = 120_000;

/** Connections of clients for each exchange that may run: clients keep idle ones ready, strangers get the rest. */
export const CONNECTIONS_PER_EXCHANGE = 4;

/** Connections of clients that are always allowed: each client keeps 8 or more ready, however few exchanges run. */
export const MIN_CONNECTIONS = 256;

/**
 * Bytes of one body that wait at each of its sockets: what comes while the next one is busy goes on in one system call. An
 * exchange holds at most this at four places.
 */
export const READ_AHEAD_BYTES = 131_072;

/** A body of this length or less, where that is told, goes on in one piece. */
export const WHOLE_BYTES = 65_536;

/** Memory of answers that were passed on, kept for the next ones. */
export const MAX_SPARE_BYTES = 4_194_304;

/** Bytes of a refused request that are read, so that the answer arrives before the connection is cut. */
export const MAX_DISCARDED_BYTES = 1_048_576;
