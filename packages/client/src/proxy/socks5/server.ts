import { createServer } from 'node:net';
import type { Tunnel } from '../../tunnel/types.js';
import { createContext } from '../context.js';
import type { ProxyContext } from '../context.js';
import { credentialsMatch } from '../credentials.js';
import { farewell } from '../farewell.js';
import { Inlet } from '../inlet.js';
import type { ProxyListener } from '../listener.js';
import { adopt } from '../adopt.js';
import { openListener } from '../listener.js';
import { openAndPump } from '../open-reply.js';
import type { ProxyOptions } from '../options.js';
import { resolveProxyOptions } from '../options.js';
import { Socks5FormatError } from './address.js';
import type { Read, Socks5Request } from './messages.js';
import {
  COMMAND,
  METHOD,
  VERSION,
  methodReply,
  passwordReply,
  readGreeting,
  readPassword,
  readRequest,
  reply,
} from './messages.js';
import { REPLY, replyFor } from './replies.js';
import { associate } from './udp-associate.js';
import { wrongProtocol } from './wrong-protocol.js';

/**
 * A SOCKS5 proxy (RFC 1928): CONNECT and UDP ASSOCIATE, names resolved at the node, with no authentication or with user
 * and password (RFC 1929). BIND is answered "command not supported".
 *
 * @throws TunnelError CONFIG_INVALID, CONFIG_UNKNOWN_KEY, PROXY_OPEN, ADDRESS_IN_USE, ADDRESS_UNAVAILABLE
 */
export async function startSocks5(tunnel: Tunnel, options: ProxyOptions): Promise<ProxyListener> {
  const context = createContext('socks', tunnel, resolveProxyOptions(options));
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  return openListener(server, context, (socket) => serve(context, new Inlet(socket)), adopt);
}

/** A program is turned away with an answer in its own words, which may be none. */
class Refusal extends Error {
  readonly answer: Uint8Array;

  constructor(answer: Uint8Array) {
    super('refused');
    this.answer = answer;
  }
}

async function serve(context: ProxyContext, inlet: Inlet): Promise<void> {
  const { socket } = inlet;
  const { handshakeMs } = context.options;
  const timer = setTimeout(() => {
    context.refuse('PROXY_PROTOCOL', `no complete SOCKS5 request came within ${handshakeMs} ms`);
    socket.resetAndDestroy();
  }, handshakeMs);
  try {
    const request = await handshake(context, inlet).finally(() => clearTimeout(timer));
    await run(context, inlet, request);
  } catch (error) {
    if (error instanceof Refusal) farewell(inlet, error.answer, handshakeMs);
    else socket.resetAndDestroy();
  }
}

async function handshake(context: ProxyContext, inlet: Inlet): Promise<Socks5Request> {
  const { socket } = inlet;
  const { auth } = context.options;
  const [firstByte] = await peek(inlet);
  if (firstByte !== VERSION) {
    const { name, answer } = wrongProtocol(firstByte!);
    context.refuse('PROXY_PROTOCOL', `a program spoke ${name} to the SOCKS5 port; set it to SOCKS5 with remote names`);
    throw new Refusal(answer);
  }
  const methods = await readMessage(inlet, readGreeting);
  const method = auth ? METHOD.password : METHOD.none;
  if (!methods.includes(method)) {
    const why = auth ? 'offers no user and password' : 'insists on a user and password, which this proxy has not';
    context.refuse('PROXY_AUTH', `a program ${why}`);
    throw new Refusal(methodReply(METHOD.unacceptable));
  }
  socket.write(methodReply(method));
  if (auth) {
    const given = await readMessage(inlet, readPassword);
    if (!credentialsMatch(auth, given.user, given.password)) {
      context.refuse('PROXY_AUTH', 'a program gave a wrong user or password');
      throw new Refusal(passwordReply(false));
    }
    socket.write(passwordReply(true));
  }
  try {
    return await readMessage(inlet, readRequest);
  } catch (error) {
    if (!(error instanceof Socks5FormatError)) throw error;
    context.refuse('PROXY_PROTOCOL', `a SOCKS5 request is wrong: ${error.message}`);
    throw new Refusal(reply(error.reply));
  }
}

async function run(context: ProxyContext, inlet: Inlet, request: Socks5Request): Promise<void> {
  const { command, host, port } = request;
  if (command === COMMAND.udpAssociate) return associate(context, inlet, port);
  if (command !== COMMAND.connect) {
    context.refuse('PROXY_PROTOCOL', `SOCKS5 command ${command} is not supported (1 CONNECT and 3 UDP ASSOCIATE are)`);
    throw new Refusal(reply(REPLY.commandNotSupported));
  }
  if (port === 0) {
    context.refuse('PROXY_PROTOCOL', 'a SOCKS5 request is for port 0');
    throw new Refusal(reply(REPLY.generalFailure));
  }
  await openAndPump(
    context,
    inlet,
    { host, port },
    {
      opened: () => inlet.socket.write(reply(REPLY.succeeded)),
      failed: (error) => farewell(inlet, reply(replyFor(error.code)), context.options.handshakeMs),
    },
  );
}

async function peek(inlet: Inlet): Promise<Uint8Array> {
  const chunk = await inlet.read();
  if (!chunk) throw new Refusal(Buffer.alloc(0));
  inlet.unread(chunk);
  return chunk;
}

async function readMessage<T>(inlet: Inlet, read: (bytes: Buffer) => Read<T> | undefined): Promise<T> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await inlet.read();
    if (!chunk) throw new Refusal(Buffer.alloc(0));
    // Bounded: no message is longer than MAX_MESSAGE_BYTES, and one chunk at most comes on top.
    bytes =
      bytes.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([bytes, chunk]);
    const message = read(bytes);
    if (message) {
      inlet.unread(bytes.subarray(message.length));
      return message.value;
    }
  }
}
