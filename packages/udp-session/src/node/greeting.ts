// What is sent before there are keys; docs/UDP.md has the bytes. The first byte tells it from sealed packets.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import { ANSWER_BYTES, CALL_BYTES } from '@millrace/protocol/handshake';

import { readU32, writeU32 } from '../core/bytes.js';
import type { Cipher } from '../core/index.js';
import { nameOf, type Endpoint } from './packet-socket.js';

const HELLO = 0x80;
const RETRY = 0x81;
const ANSWER = 0x82;
const VERSION = 1;
const COOKIE_BYTES = 24;
/** A cookie is good for this long, seconds. */
export const COOKIE_SECONDS = 30;
/** Hellos are this large: what a host answers to an unproven address is then far less than three times of it. */
const HELLO_BYTES = 1200;
const CLEAR_BYTES = 3;
const CALL_AT = CLEAR_BYTES + COOKIE_BYTES;

/** The ciphers, in the order of their bits. */
export const CIPHERS: readonly Cipher[] = ['aes-128-gcm', 'chacha20-poly1305'];

/**
 * The clear bytes of a hello, which belong to the call: it does not open with another id, nor with another cookie. Since a
 * cookie says when and to whom it was given, a call that somebody recorded is of no use later, or from elsewhere.
 */
export function helloClear(connectionId: number, cookie: Uint8Array): Uint8Array {
  return Uint8Array.of(HELLO, VERSION, connectionId, ...cookie);
}

/** A hello with a call, or, to get a cookie, without both. */
export function encodeHello(connectionId: number, of?: { cookie: Uint8Array; call: Uint8Array }): Uint8Array {
  const hello = new Uint8Array(HELLO_BYTES);
  hello.set(helloClear(connectionId, of?.cookie ?? new Uint8Array(COOKIE_BYTES)));
  if (of !== undefined) hello.set(of.call, CALL_AT);
  return hello;
}

/** The parts of a hello, or undefined for anything else. */
export function decodeHello(
  datagram: Uint8Array,
): { connectionId: number; cookie: Uint8Array; call: Uint8Array } | undefined {
  if (datagram.length !== HELLO_BYTES || datagram[0] !== HELLO || datagram[1] !== VERSION) return undefined;
  return {
    connectionId: datagram[2]!,
    cookie: datagram.subarray(CLEAR_BYTES, CALL_AT),
    call: datagram.subarray(CALL_AT, CALL_AT + CALL_BYTES + 1),
  };
}

export function encodeRetry(connectionId: number, cookie: Uint8Array): Uint8Array {
  return Uint8Array.of(RETRY, VERSION, connectionId, ...cookie);
}

/** The cookie of a retry to this connection id. */
export function decodeRetry(datagram: Uint8Array, connectionId: number): Uint8Array | undefined {
  if (datagram.length !== CALL_AT || datagram[0] !== RETRY || datagram[1] !== VERSION) return undefined;
  return datagram[2] === connectionId ? new Uint8Array(datagram.subarray(CLEAR_BYTES)) : undefined;
}

export function encodeAnswer(connectionId: number, message: Uint8Array): Uint8Array {
  return Uint8Array.of(ANSWER, VERSION, connectionId, ...message);
}

/** The message of an answer to this connection id. */
export function decodeAnswer(datagram: Uint8Array, connectionId: number): Uint8Array | undefined {
  if (datagram.length !== CLEAR_BYTES + ANSWER_BYTES + 2 || datagram[0] !== ANSWER) return undefined;
  return datagram[1] === VERSION && datagram[2] === connectionId
    ? new Uint8Array(datagram.subarray(CLEAR_BYTES))
    : undefined;
}

/** What a caller can: one bit a cipher. */
export function encodeOffer(ciphers: readonly Cipher[]): Uint8Array {
  return Uint8Array.of(ciphers.reduce((bits, cipher) => bits | (1 << CIPHERS.indexOf(cipher)), 0));
}

/** The first of the host's ciphers that the caller offers. */
export function chooseCipher(offer: Uint8Array, ciphers: readonly Cipher[]): Cipher | undefined {
  return ciphers.find((cipher) => ((offer[0] ?? 0) & (1 << CIPHERS.indexOf(cipher))) !== 0);
}

/** What the host says in its answer: its connection id, and the cipher. */
export function encodeChoice(connectionId: number, cipher: Cipher): Uint8Array {
  return Uint8Array.of(connectionId, CIPHERS.indexOf(cipher));
}

export function decodeChoice(choice: Uint8Array): { connectionId: number; cipher: Cipher } | undefined {
  const cipher = CIPHERS[choice[1] ?? -1];
  return choice.length === 2 && cipher !== undefined ? { connectionId: choice[0]!, cipher } : undefined;
}

/** Proof that a caller receives what is sent to its address, without anything to be remembered. */
export class Cookies {
  readonly #secret = randomBytes(32);

  /** @param seconds The time, whole seconds. */
  make(caller: Endpoint, connectionId: number, seconds: number): Uint8Array {
    const cookie = new Uint8Array(COOKIE_BYTES);
    writeU32(cookie, 0, seconds);
    cookie.set(this.#tag(cookie.subarray(0, 4), caller, connectionId), 4);
    return cookie;
  }

  isGood(cookie: Uint8Array, caller: Endpoint, connectionId: number, seconds: number): boolean {
    const age = seconds - readU32(cookie, 0);
    if (age < 0 || age > COOKIE_SECONDS) return false;
    return timingSafeEqual(cookie.subarray(4), this.#tag(cookie.subarray(0, 4), caller, connectionId));
  }

  #tag(time: Uint8Array, caller: Endpoint, connectionId: number): Uint8Array {
    const hmac = createHmac('sha256', this.#secret)
      .update(time)
      .update(`${connectionId} ${nameOf(caller)}`);
    return hmac.digest().subarray(0, COOKIE_BYTES - 4);
  }
}
