import { RelayError } from '../errors.js';

/** The error of this package for a failure to listen. */
export function listenError(error: NodeJS.ErrnoException, address: string): RelayError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new RelayError('ADDRESS_IN_USE', `${address} is already in use`, { cause: error });
    case 'EACCES':
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new RelayError('ADDRESS_UNAVAILABLE', `${address} cannot be bound (${error.code})`, { cause: error });
    default:
      return new RelayError('INTERNAL', `listening on ${address} failed: ${error.message}`, { cause: error });
  }
}
