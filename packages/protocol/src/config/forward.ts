import { ProtocolError } from '../errors.js';
import { parseHostPort } from '../host-port.js';

/** A port forward taken apart. */
export interface Forward {
  /** Local `ADDRESS:PORT`; loopback unless the text says else. */
  listen: { host: string; port: number };
  target: { host: string; port: number };
}

/** Takes `[ADDRESS:]PORT=HOST:PORT` apart. Throws CONFIG_INVALID. */
export function parseForward(text: string, name = 'forward'): Forward {
  const equals = text.indexOf('=');
  if (equals === -1) {
    throw new ProtocolError(
      'CONFIG_INVALID',
      `${name}: ${JSON.stringify(text)} has no =; give [ADDRESS:]PORT=HOST:PORT`,
    );
  }
  return {
    listen: parseHostPort(text.slice(0, equals), { name, defaultHost: '127.0.0.1' }),
    target: parseHostPort(text.slice(equals + 1), { name, minPort: 1 }),
  };
}
