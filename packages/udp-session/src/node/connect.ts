import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { performance } from 'node:perf_hooks';

import { call, type Call } from '@millrace/protocol/handshake';

import { SessionCore, type Cipher, type SessionKeys, type SessionOptions } from '../core/index.js';
import { SessionError } from '../errors.js';
import { checkConnect } from './check-options.js';
import { CIPHERS, decodeAnswer, decodeChoice, decodeRetry, encodeHello, encodeOffer, helloClear } from './greeting.js';
import { chooseCrypto, chooseFec, loadAddon } from './native.js';
import { openSocket } from './open-socket.js';
import { nameOf, type Endpoint, type PacketSocket, type Tier } from './packet-socket.js';
import { SessionHandle } from './session-handle.js';

/** What both ends of a session may be told. */
export interface CommonOptions {
  /** Options of the session itself. */
  readonly session?: SessionOptions | undefined;
  /** Whether `'frame'` gives copies, which need no `release()`, instead of views of memory that is used again. Default false. */
  readonly copyFrames?: boolean | undefined;
  /** How packets reach the system. Default: the best there is. */
  readonly tier?: Tier | undefined;
  /** 32 bytes that both ends share. With it alone host and caller prove themselves to each other. */
  readonly sharedKey?: Uint8Array | undefined;
}

export interface ConnectOptions extends CommonOptions {
  /** The host's numeric address. */
  readonly address: string;
  readonly port: number;
  /** The host's public key, 32 bytes. */
  readonly publicKey?: Uint8Array | undefined;
  /** The ciphers to offer. Default: both; the host chooses. */
  readonly ciphers?: readonly Cipher[] | undefined;
  /** Keys from elsewhere: no handshake takes place. */
  readonly keys?: SessionKeys | undefined;
  /** How long is waited for the host, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** A hello is sent again after this long, and then after twice the time, up to the last, ms. */
const FIRST_AGAIN_MS = 250;
const LAST_AGAIN_MS = 500;
/** Another cookie is not used before the call with the last one is unanswered for so long, ms. */
const RECALL_AFTER_MS = 2000;

/**
 * Opens a session to a host.
 * @throws SessionError SESSION_TIMEOUT when no answer came, SESSION_OPTION, ADDRESS_UNAVAILABLE
 */
export async function connect(options: ConnectOptions): Promise<SessionHandle> {
  const checked = checkConnect(options);
  const { address, port, session = {}, tier } = checked;
  const peer = { address, port };
  const addon = await loadAddon();
  const environment = { crypto: chooseCrypto(addon), fec: chooseFec(addon), random: randomBytes };
  let onDatagram: ((datagram: Uint8Array) => void) | undefined;
  let opened: SessionHandle | undefined;
  const bind = { address: isIPv6(address) ? '::' : '0.0.0.0', port: 0 };
  const socket = await openSocket(addon, tier, bind, session.maxPacketBytes ?? 0, {
    onPackets: (packets, from) => {
      if (opened !== undefined) opened.receive(packets, from);
      else if (onDatagram !== undefined && from.address === address && from.port === port) {
        for (let i = 0; i < packets.count; i++) {
          const at = packets.offsets[i]!;
          onDatagram(packets.slab.subarray(at, at + packets.lengths[i]!));
        }
      }
    },
    onWritable: () => opened?.writable(),
  });
  try {
    const keys = checked.keys ?? (await greet(checked, socket, peer, (listener) => (onDatagram = listener)));
    const core = new SessionCore(environment, { ...keys, role: 'client' }, session, nameOf(peer), performance.now());
    const { copyFrames = false } = checked;
    opened = new SessionHandle({ core, socket, peer, copyFrames, onGone: () => socket.close() });
    return opened;
  } catch (error) {
    await socket.close();
    throw error;
  }
}

/** The handshake: a hello, again with a call once a cookie came back, until an answer opens. */
async function greet(
  options: ConnectOptions & { readonly timeoutMs: number },
  socket: PacketSocket,
  peer: Endpoint,
  listen: (listener: ((datagram: Uint8Array) => void) | undefined) => void,
): Promise<SessionKeys> {
  const { publicKey, sharedKey, ciphers = CIPHERS, timeoutMs } = options;
  const localId = randomBytes(1)[0]!;
  let hello = encodeHello(localId);
  let made: Call | undefined;
  let cookie: Uint8Array | undefined;
  let calledAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let againMs = FIRST_AGAIN_MS;
  let isOver = false;
  const send = (): void => {
    socket.send({ slab: hello, offsets: Uint32Array.of(0), lengths: Uint32Array.of(hello.length), count: 1 }, peer);
    clearTimeout(timer);
    timer = setTimeout(send, againMs);
    againMs = Math.min(LAST_AGAIN_MS, 2 * againMs);
  };
  let giveUp: NodeJS.Timeout | undefined;
  try {
    return await new Promise<SessionKeys>((resolve, reject) => {
      giveUp = setTimeout(() => {
        const reasons = 'nobody is there, or with another key, or without a cipher that is offered';
        reject(new SessionError('SESSION_TIMEOUT', `no answer from ${nameOf(peer)} in ${timeoutMs} ms: ${reasons}`));
      }, timeoutMs);
      const recall = async (fresh: Uint8Array): Promise<void> => {
        const next = await call(
          { publicKey, sharedKey },
          encodeOffer(ciphers),
          helloClear(localId, fresh),
          randomBytes(64),
        );
        // An answer to the call before may have come meanwhile, or the time be over: nothing may be sent any more.
        if (isOver) return;
        made = next;
        hello = encodeHello(localId, { cookie: fresh, call: next.message });
        send();
      };
      listen((datagram) => {
        const retry = decodeRetry(datagram, localId);
        // Cookies differ with the second in which they were made, and the hellos before may each bring one. Only a call that is not
        // answered for long may have a cookie that is too old, or of a host that began anew, or forged.
        const isNew = retry !== undefined && (cookie === undefined || Buffer.compare(cookie, retry) !== 0);
        if (isNew && performance.now() - calledAt >= RECALL_AFTER_MS) {
          calledAt = performance.now();
          cookie = retry;
          recall(retry).catch(reject);
        }
        const answer = decodeAnswer(datagram, localId);
        // One that does not open is a forgery: the right one may still come.
        if (answer !== undefined && made !== undefined) finish(made, answer, localId).then(resolve, () => {});
      });
      send();
    });
  } finally {
    isOver = true;
    listen(undefined);
    clearTimeout(timer);
    clearTimeout(giveUp);
  }
}

async function finish(made: Call, answer: Uint8Array, localId: number): Promise<SessionKeys> {
  const { payload, secrets } = await made.finish(answer);
  const choice = decodeChoice(payload);
  if (choice === undefined) throw new SessionError('SESSION_OPTION', 'the host chose what does not exist');
  const { cipher, connectionId } = choice;
  return { cipher, sendSecret: secrets.caller, receiveSecret: secrets.callee, localId, peerId: connectionId };
}
