// The one handshake of the project: two HPKE contexts (RFC 9180), the second bound to the first.
//
//   caller → callee   enc1, sealed(reply key, payload)   to the callee's static key
//   callee → caller   enc2, sealed(payload)              to the reply key, with a pre-shared key exported from the first
//
// Only who has the static key can open the first; only who opened it knows the pre-shared key of the second. Keys come from
// the second context: both of its shares are ephemeral, so that a static key that leaks later opens nothing of the past.
import { ProtocolError } from '../errors.js';
import { copied, deriveKeys, joined, KEY_BYTES, label, suite, TAG_BYTES } from './suite.js';

const CALL_INFO = label('millrace handshake 1 call');
const REPLY_INFO = label('millrace handshake 1 reply');
const SHARED_ID = label('millrace shared key');
const REPLY_ID = label('millrace reply');
const EXPORT = {
  reply: label('millrace reply key'),
  early: label('millrace early'),
  caller: label('millrace caller'),
  callee: label('millrace callee'),
};

/** Least bytes of a call, and of an answer, without any payload. */
export const CALL_BYTES: number = KEY_BYTES + KEY_BYTES + TAG_BYTES;
export const ANSWER_BYTES: number = KEY_BYTES + TAG_BYTES;

/** How the callee is known: by its public key, by 32 bytes that both ends share, or by both. */
export interface CalleeIdentity {
  readonly publicKey?: Uint8Array | undefined;
  readonly sharedKey?: Uint8Array | undefined;
}

/** The same at the callee. */
export interface CalleeSecret {
  readonly privateKey?: Uint8Array | undefined;
  readonly sharedKey?: Uint8Array | undefined;
}

/** The secrets of a session, 32 bytes each: what is sent by one end is received under the same by the other. */
export interface SessionSecrets {
  readonly caller: Uint8Array;
  readonly callee: Uint8Array;
}

/** A call that waits for its answer. */
export interface Call {
  /** What is sent: CALL_BYTES and the payload. May be sent again as it is. */
  readonly message: Uint8Array;
  /** For what is sent before the answer came: not forward secret, and the callee may have seen it before. */
  readonly earlySecret: Uint8Array;
  /** Takes the answer. Throws HANDSHAKE_FAILED when it is not from the callee, or belongs to another call; then it may be tried with another. */
  finish(answer: Uint8Array): Promise<{ payload: Uint8Array; secrets: SessionSecrets }>;
}

/** A call that was opened. */
export interface OpenedCall {
  readonly payload: Uint8Array;
  readonly earlySecret: Uint8Array;
  /** Answers it. @param random 32 random bytes. */
  answer(payload: Uint8Array, random: Uint8Array): Promise<{ message: Uint8Array; secrets: SessionSecrets }>;
}

/**
 * Begins a handshake.
 * @param payload What the callee is told; sealed.
 * @param associated Clear bytes that go with the message; both ends have to name the same.
 * @param random 64 random bytes, never used again.
 * @throws ProtocolError HANDSHAKE_FAILED when a key is none.
 */
export async function call(
  callee: CalleeIdentity,
  payload: Uint8Array,
  associated: Uint8Array,
  random: Uint8Array,
): Promise<Call> {
  if (random.length !== 2 * KEY_BYTES) throw failed(`${2 * KEY_BYTES} random bytes are needed`);
  const reply = await deriveKeys(random.subarray(KEY_BYTES));
  const context = await orFailed(async () =>
    suite.createSenderContext({
      recipientPublicKey: await suite.kem.deserializePublicKey(copied(await publicKeyOf(callee))),
      info: CALL_INFO,
      ekm: copied(random.subarray(0, KEY_BYTES)),
      ...sharedKeyOf(callee),
    }),
  );
  const sealed = await context.seal(copied(joined(reply.publicKey, payload)), copied(associated));
  const psk = { id: REPLY_ID, key: await context.export(EXPORT.reply, KEY_BYTES) };
  return {
    message: joined(new Uint8Array(context.enc), new Uint8Array(sealed)),
    earlySecret: new Uint8Array(await context.export(EXPORT.early, KEY_BYTES)),
    finish: (answer) =>
      orFailed(async () => {
        if (answer.length < ANSWER_BYTES) throw failed('the answer is too short');
        const second = await suite.createRecipientContext({
          recipientKey: await suite.kem.deserializePrivateKey(copied(reply.privateKey)),
          enc: copied(answer.subarray(0, KEY_BYTES)),
          info: REPLY_INFO,
          psk,
        });
        const opened = await second.open(copied(answer.subarray(KEY_BYTES)));
        return { payload: new Uint8Array(opened), secrets: await secretsOf(second) };
      }),
  };
}

/**
 * Opens a call. Nothing about it is checked but that the caller meant this callee and knows the shared key, if there is one:
 * whether it was seen before, and who the caller is, is for whoever reads the payload.
 * @throws ProtocolError HANDSHAKE_FAILED
 */
export function openCall(callee: CalleeSecret, message: Uint8Array, associated: Uint8Array): Promise<OpenedCall> {
  return orFailed(async () => {
    if (message.length < CALL_BYTES) throw failed('the call is too short');
    const context = await suite.createRecipientContext({
      recipientKey: await suite.kem.deserializePrivateKey(copied(await privateKeyOf(callee))),
      enc: copied(message.subarray(0, KEY_BYTES)),
      info: CALL_INFO,
      ...sharedKeyOf(callee),
    });
    const opened = new Uint8Array(await context.open(copied(message.subarray(KEY_BYTES)), copied(associated)));
    const replyKey = opened.slice(0, KEY_BYTES);
    const psk = { id: REPLY_ID, key: await context.export(EXPORT.reply, KEY_BYTES) };
    return {
      payload: opened.subarray(KEY_BYTES),
      earlySecret: new Uint8Array(await context.export(EXPORT.early, KEY_BYTES)),
      answer: (payload: Uint8Array, random: Uint8Array) =>
        orFailed(async () => {
          if (random.length !== KEY_BYTES) throw failed(`${KEY_BYTES} random bytes are needed`);
          const second = await suite.createSenderContext({
            recipientPublicKey: await suite.kem.deserializePublicKey(copied(replyKey)),
            info: REPLY_INFO,
            psk,
            ekm: copied(random),
          });
          const sealed = new Uint8Array(await second.seal(copied(payload)));
          return { message: joined(new Uint8Array(second.enc), sealed), secrets: await secretsOf(second) };
        }),
    };
  });
}

interface Exporter {
  export(context: ArrayBuffer, bytes: number): Promise<ArrayBuffer>;
}

async function secretsOf(context: Exporter): Promise<SessionSecrets> {
  return {
    caller: new Uint8Array(await context.export(EXPORT.caller, KEY_BYTES)),
    callee: new Uint8Array(await context.export(EXPORT.callee, KEY_BYTES)),
  };
}

/** With a shared key alone, the static key pair is derived from it: both ends know it, and nobody else. */
async function publicKeyOf({ publicKey, sharedKey }: CalleeIdentity): Promise<Uint8Array> {
  if (publicKey !== undefined) return checked(publicKey);
  return (await deriveKeys(checked(sharedKey))).publicKey;
}

async function privateKeyOf({ privateKey, sharedKey }: CalleeSecret): Promise<Uint8Array> {
  if (privateKey !== undefined) return checked(privateKey);
  return (await deriveKeys(checked(sharedKey))).privateKey;
}

function sharedKeyOf({ sharedKey }: { sharedKey?: Uint8Array | undefined }): {
  psk?: { id: ArrayBuffer; key: ArrayBuffer };
} {
  return sharedKey === undefined ? {} : { psk: { id: SHARED_ID, key: copied(checked(sharedKey)) } };
}

function checked(key: Uint8Array | undefined): Uint8Array {
  if (key?.length !== KEY_BYTES) throw failed(`a key has ${KEY_BYTES} bytes`);
  return key;
}

function failed(message: string, cause?: unknown): ProtocolError {
  return new ProtocolError('HANDSHAKE_FAILED', message, { cause });
}

/** Whatever goes wrong with what came from outside is the one error. */
async function orFailed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw failed('the handshake does not open under this key', error);
  }
}
