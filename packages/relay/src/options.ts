import { ProtocolError } from '@millrace/protocol';
import { checkKey } from '@millrace/protocol/config';
import { RelayError } from './errors.js';

/** Throws RelayError: KEY_MISSING or KEY_WEAK, as for an access key, since whoever has the token spends the relay's quota. */
export function checkToken(token: string | undefined): string {
  return asRelayError(() => {
    if (typeof token !== 'string' || token === '') throw new ProtocolError('KEY_MISSING', 'no relay token was given');
    try {
      checkKey(token);
    } catch (error) {
      const { code, message } = error as ProtocolError;
      throw new ProtocolError(code, message.replace('access key', 'relay token'));
    }
    return token;
  });
}

/**
 * The address that requests go to: `/tunnel/batch` below the node's. Throws RelayError CONFIG_INVALID where it is not a
 * plain `http:` or `https:` address.
 */
export function nodeBatchUrl(node: string | undefined): string {
  const url = typeof node === 'string' && URL.canParse(node) ? new URL(node) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new RelayError('CONFIG_INVALID', 'node must be the http: or https: address of a tunnel node');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new RelayError('CONFIG_INVALID', 'node must be an address without user, query and fragment');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/tunnel/batch`;
}

/** Throws RelayError CONFIG_UNKNOWN_KEY for an option that does not exist. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new RelayError('CONFIG_UNKNOWN_KEY', `${unknown} is not known; known are ${known.join(', ')}`);
}

/** Runs a check of the protocol package; its errors become this package's. */
export function asRelayError<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new RelayError(error.code, error.message, { cause: error });
  }
}
