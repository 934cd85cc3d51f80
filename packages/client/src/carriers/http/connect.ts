/** Opens one connection to a relay: name, TCP, TLS, bounded as a whole. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { CarrierStep } from '../carrier.js';
import { answerMemory } from './read-memory.js';

/** Where and how to connect. */
export interface ConnectTarget {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Name for SNI and the certificate check. */
  readonly tlsName: string;
  /** With certificate authorities of the relay's own. */
  readonly secureContext?: SecureContext | undefined;
  readonly timeoutMs: number;
}

/** A connection that is ready for a request. */
export interface OpenSocket {
  readonly socket: Socket;
  /** The TCP socket: the same, or what TLS runs on. */
  readonly raw: Socket;
  /** When each step was done, on the clock of `performance.now()`. A literal address has no `name`, plain HTTP no `tls`. */
  readonly steps: ReadonlyArray<readonly [CarrierStep, number]>;
}

/** Why a connection could not be opened. Nothing was sent on it. */
export class ConnectError extends Error {
  /** `tls` once TCP stood. */
  readonly stage: 'tcp' | 'tls';

  constructor(stage: 'tcp' | 'tls', message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.stage = stage;
  }
}

/** Keeps the last TLS session of one origin, so that further connections save a round trip. */
export class SessionCache {
  session: Buffer | undefined;
}

/** Opens a connection. Rejects with `ConnectError`. */
export function openSocket(target: ConnectTarget, sessions: SessionCache, signal: AbortSignal): Promise<OpenSocket> {
  return new Promise((resolve, reject) => {
    const steps: Array<readonly [CarrierStep, number]> = [];
    const step = (name: CarrierStep): void => {
      steps.push([name, performance.now()]);
    };
    let stage: 'tcp' | 'tls' = 'tcp';
    const raw: Socket = connectTcp({
      host: target.host,
      port: target.port,
      noDelay: true,
      keepAlive: true,
      // TLS reads into memory of its own.
      ...(target.secure ? {} : { onread: answerMemory.onread(() => raw) }),
    });
    let socket = raw;

    const timer = setTimeout(() => fail(`no connection within ${target.timeoutMs} ms`), target.timeoutMs);
    const onAbort = (): void => fail('given up');
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
    };
    const fail = (message: string, cause?: unknown): void => {
      settle();
      // A socket that is being torn down may still report errors: nobody is interested any more.
      socket.on('error', ignore);
      raw.on('error', ignore);
      const error = new ConnectError(stage, message, { cause });
      // Told when nothing is left of it, so that who closes a pool can wait for that.
      if (raw.closed) reject(error);
      else raw.once('close', () => reject(error));
      socket.destroy();
      raw.destroy();
    };
    const done = (): void => {
      settle();
      resolve({ socket, raw, steps });
    };
    const onError = (error: Error): void => fail(describe(error), error);
    const onClose = (): void => fail('the connection was closed while it was being opened');

    socket.on('error', onError);
    socket.on('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) {
      onAbort();
      return;
    }
    if (isIP(target.host) === 0) raw.once('lookup', () => step('name'));
    raw.once('connect', () => {
      step('tcp');
      if (!target.secure) {
        done();
        return;
      }
      stage = 'tls';
      raw.removeListener('error', onError);
      raw.removeListener('close', onClose);
      // What befalls the socket below is reported by the one above it.
      raw.on('error', ignore);
      const secured = startTls(raw, target, sessions);
      socket = secured;
      secured.on('error', onError);
      secured.on('close', onClose);
      secured.once('secureConnect', () => {
        step('tls');
        done();
      });
    });
  });
}

function startTls(socket: Socket, target: ConnectTarget, sessions: SessionCache): TLSSocket {
  const secured = connectTls({
    socket,
    // An address cannot be a server name (RFC 6066, section 3); it is still checked against the certificate.
    host: target.tlsName,
    ...(isIP(target.tlsName) === 0 ? { servername: target.tlsName } : {}),
    ALPNProtocols: ['http/1.1'],
    ...(target.secureContext ? { secureContext: target.secureContext } : {}),
    ...(sessions.session ? { session: sessions.session } : {}),
  });
  secured.on('session', (session: Buffer) => {
    sessions.session = session;
  });
  return secured;
}

function describe(error: Error): string {
  // With several addresses, Node reports one error that holds one for each, and has no message of its own.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((inner: unknown) => (inner instanceof Error ? inner.message : String(inner))).join('; ');
  }
  return error.message;
}

function ignore(): void {}
