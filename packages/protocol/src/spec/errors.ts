/**
 * Every stable error code of the project. The text says what happened; `@next` says what to do; `@by` who ended it:
 * `peer` broke the rules, `network`, `target`, `policy`, `local` (closed or refused here), `user` (bad input).
 */
export interface ErrorCodes {
  /** The body is empty. @by network @next A relay lost the body: it is retried where that is safe; else open a new stream. */
  BODY_EMPTY: true;
  /** The first byte of the body belongs to no known form. @by peer @next Check that the address leads to a Millrace node or relay. */
  BODY_UNKNOWN_FORM: true;
  /** The body is larger than the limit, before or after decompression, or holds more values than the limit. @by peer @next Lower the batch size of the sender. */
  BODY_TOO_LARGE: true;
  /** The body unzips to more than the allowed ratio, or is not gzip. @by peer @next Send plain JSON. */
  BODY_BAD_GZIP: true;
  /** The JSON is nested deeper than the limit. @by peer @next Fix the sender. */
  BODY_TOO_DEEP: true;
  /** The body is not JSON, or not an object. @by peer @next Check that nothing on the way rewrites bodies. */
  BODY_NOT_JSON: true;
  /** The body ends too early. @by network @next A relay cut it: it is retried where that is safe. */
  BODY_TRUNCATED: true;
  /** A field is missing or has the wrong type or range; the message names it. @by peer @next Fix the sender. */
  MESSAGE_INVALID: true;
  /** A field that carries bytes is not standard base64. @by peer @next Fix the sender. */
  BASE64_INVALID: true;
  /** The level 2 packet does not decode. @by peer @next Check that nothing on the way rewrites bodies. */
  PACKET_INVALID: true;

  /** The node does not know this op. @by peer @next Update the node, or use `--level 1` features only. */
  UNSUPPORTED_OP: true;
  /** The stream or flow is not known to the node (any more). @by peer @next Open a new stream. */
  UNKNOWN_SID: true;
  /** An op with this `seq` was already done. @by peer @next The client closes the stream; open a new one. */
  SEQ_REPEATED: true;
  /** The turn of this `seq` did not come in time: an earlier op was lost. @by network @next The client closes the stream; open a new one. */
  SEQ_TIMEOUT: true;
  /** Too many or too large writes wait for an earlier `wseq`. @by peer @next The client closes the stream; open a new one. */
  WRITES_WAITING: true;
  /** The reply's `seq` is not the one that was sent. @by peer @next The client closes the stream; open a new one. */
  SEQ_MISMATCH: true;
  /** The number of replies is not the number of ops. @by peer @next Check the script or relay in between. */
  REPLY_COUNT: true;
  /** The node is shutting down or holds as many streams as it may. @by local @next Try again, or raise the node's limits. */
  NODE_BUSY: true;
  /** The peer broke a rule of this stream: bytes beyond its credit, an ack of bytes never sent, an end that moves. @by peer @next Update the other side; other streams are not concerned. */
  STREAM_INVALID: true;
  /** The node was restarted, or had forgotten this client; the stream may have been used there and is not sent again. @by peer @next Open a new stream. */
  NODE_RESTARTED: true;
  /** The client was silent for so long that the node forgot it and its streams. @by network @next Nothing; a client that comes back opens new streams. */
  CLIENT_GONE: true;

  /** The target refused the connection. @by target @next Check the port; nothing listens there. */
  DIAL_REFUSED: true;
  /** No route to the target host. @by target @next Check the address. */
  DIAL_HOST_UNREACHABLE: true;
  /** No route to the target network. @by target @next The node may have no IPv6: try a name or an IPv4 address. */
  DIAL_NET_UNREACHABLE: true;
  /** The target did not answer in time. @by target @next Check the address; a firewall may drop it. */
  DIAL_TIMEOUT: true;
  /** The name does not resolve at the node. @by target @next Check the name. */
  DIAL_NAME_NOT_FOUND: true;
  /** The node's resolver failed; the name may exist. @by target @next Try again; check the node's DNS. */
  DIAL_NAME_FAILED: true;
  /** Any other failure of the dial; the message says which. @by target @next See the message. */
  DIAL_FAILED: true;
  /** The node's egress policy denies the target. @by policy @next Private ranges need `--allow-private` on the node; names and ports its allow list. */
  POLICY_DENIED: true;
  /** The target reset the connection. @by target @next Open a new stream. */
  TARGET_RESET: true;
  /** The target stopped accepting bytes and the write timed out. @by target @next Open a new stream. */
  TARGET_STALLED: true;
  /** The target closed before it answered a plain HTTP request, or what it answered is not HTTP. @by target @next Check scheme and port: it may want `https:`. */
  TARGET_NOT_HTTP: true;

  /** The relay or node refused the key, or hides behind a page that looks like nothing is there. @by peer @next Compare the relay's token, then the key on both sides; `millrace doctor` says more, and `millrace node --diagnose` why. */
  RELAY_AUTH: true;
  /** The relay's daily quota is used up. @by network @next Add a relay of another account, or wait for the reset. */
  RELAY_QUOTA_DAY: true;
  /** The relay wants fewer requests a second, or fewer at once. @by network @next Lower `maxConcurrent` of its account. */
  RELAY_QUOTA_RATE: true;
  /** The relay answered an HTML page instead of a tunnel body. @by network @next Open the relay's address in a browser: it may need a new deployment or a sign-in. */
  RELAY_HTML: true;
  /** The relay's answer ended too early. @by network @next Use another relay, or a smaller batch. */
  RELAY_TRUNCATED: true;
  /** The relay's answer was empty. @by network @next Use another relay. */
  RELAY_EMPTY: true;
  /** The relay did not answer in time. @by network @next Use another relay; check its load. */
  RELAY_TIMEOUT: true;
  /** The relay cannot be reached: refused, no route, or its name does not resolve. @by network @next Check the address and your own network. */
  RELAY_OFFLINE: true;
  /** The relay's name does not resolve here. @by network @next Check the name and this machine's DNS; `connectTo` gives an address without DNS. */
  RELAY_NAME: true;
  /** The relay's port speaks the other scheme: `http:` for `https:`, or the reverse. @by user @next Correct the scheme of the relay's address, or its port. */
  RELAY_SCHEME: true;
  /** TLS to the relay failed. @by network @next Check the scheme, the certificate, the TLS name and the clock. */
  RELAY_TLS: true;
  /** The relay redirects too often or to something that is not HTTP. @by network @next Open the relay's address in a browser. */
  RELAY_REDIRECT: true;
  /** The relay answered an HTTP status that says nothing more precise. @by network @next See the status in the message. */
  RELAY_STATUS: true;
  /** The relay answered something that is not a tunnel body. @by network @next Check that the address is a Millrace relay. */
  RELAY_BODY: true;
  /** The relay carries text only and was sent bytes; nothing was passed on. @by peer @next Send text bodies through it (level 1, or base64), or use a relay that carries bytes. */
  RELAY_TEXT_ONLY: true;
  /** The relay works but could not reach its node. @by network @next Check that the node runs and that the relay's node address is right. */
  RELAY_NODE_DOWN: true;
  /** The peer's version cannot do what was asked. @by peer @next Update the older side. */
  PEER_VERSION: true;
  /** The node has no route to IPv6 targets. @by peer @next IPv4 targets and names that have IPv4 addresses work; give the node an IPv6 address for the rest. */
  PEER_NO_IPV6: true;
  /** Two relays lead to different nodes. @by peer @next Give every relay the same node address. */
  PEER_DIFFERENT_NODES: true;

  /** The stream was closed here. @by local @next Nothing. */
  STREAM_CLOSED: true;
  /** The tunnel was closed here. @by local @next Open a new tunnel. */
  TUNNEL_CLOSED: true;
  /** The caller aborted. @by local @next Nothing. */
  ABORTED: true;
  /** A queue is full; what came last or first was dropped, as the message says. @by local @next Send slower. */
  QUEUE_FULL: true;

  /** No access key was given. @by user @next `millrace keygen` makes one; give it by `--key-file` or `MILLRACE_KEY`. */
  KEY_MISSING: true;
  /** The access key is too short or too regular to be secret. @by user @next `millrace keygen` makes a strong one. */
  KEY_WEAK: true;
  /** The command line is wrong; the message names the flag or command. @by user @next `millrace help COMMAND` lists its flags. */
  USAGE: true;
  /** A value of the configuration is wrong; the message names its path and what is allowed. @by user @next Correct it; `millrace config schema` prints the schema. */
  CONFIG_INVALID: true;
  /** A key of the configuration does not exist; the message names the nearest right one. @by user @next Correct the name. */
  CONFIG_UNKNOWN_KEY: true;
  /** A file cannot be read or written. @by user @next Check path and permissions. */
  FILE_UNREADABLE: true;
  /** The local address is already in use. @by user @next Stop the other program, or choose another port (0 picks a free one). */
  ADDRESS_IN_USE: true;
  /** The local address cannot be bound. @by user @next Ports below 1024 need privileges; the address must be this machine's. */
  ADDRESS_UNAVAILABLE: true;
  /** A proxy outside loopback needs credentials. @by user @next Add a user and password, or bind 127.0.0.1. */
  PROXY_OPEN: true;
  /** A program spoke something else to a proxy's port than this proxy speaks; the message says what. @by user @next Set the program to the right proxy type and port. */
  PROXY_PROTOCOL: true;
  /** A program gave the proxy no credentials, or wrong ones. @by user @next Give the program the user and password of the proxy. */
  PROXY_AUTH: true;
  /** The clock here and at the peer differ too much. @by user @next Set the clock. */
  CLOCK_SKEW: true;
  /** A bug in Millrace. @by local @next Report it with the message. */
  INTERNAL: true;

  /** The handshake does not open: another key, another callee, or changed on the way. @by peer @next Check the pinned key or the shared key at both ends. */
  HANDSHAKE_FAILED: true;
  /** The UDP session is closed here. @by local @next Open a new session. */
  SESSION_CLOSED: true;
  /** The peer closed the UDP session. @by peer @next Open a new session. */
  SESSION_PEER_CLOSED: true;
  /** Nothing authentic came from the peer for the idle time. @by network @next Open a new session; check the path. */
  SESSION_TIMEOUT: true;
  /** So many forged packets came that the keys may not be used any more. @by network @next Open a new session. */
  SESSION_FORGERY: true;
  /** The frame, event or datagram is larger than the limit; the message names it. @by user @next Send it in parts. */
  SESSION_TOO_LARGE: true;
  /** More is given to the session than it can send within its bounds. @by local @next Send less, or later. */
  SESSION_BUSY: true;
  /** An option of the session is unknown or out of range; the message names it. @by user @next Correct the option. */
  SESSION_OPTION: true;
  /** The call belongs to the other end of the UDP session: only a client sends input, to its host. @by user @next Call it at the other end, or send an event. */
  SESSION_ROLE: true;
}
