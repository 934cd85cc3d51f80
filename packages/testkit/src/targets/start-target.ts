import { startTcpTarget } from './tcp-target.js';
import { startUdpTarget } from './udp-target.js';
import { startUnacceptingTarget } from './unaccepting-target.js';
import type { Target, TargetOptions } from './types.js';

/**
 * Starts a target on loopback at a port that the system picks. It listens when the promise resolves. Facts (a
 * connection, an end, bytes that came) are promises on it, so that tests wait for them and never for time.
 */
export async function startTarget<O extends TargetOptions>(options: O): Promise<Target<O>> {
  return (await start(options)) as Target<O>;
}

function start(options: TargetOptions): Promise<Target> {
  const host = options.host ?? '127.0.0.1';
  switch (options.kind) {
    case 'udp-echo':
    case 'dns':
      return startUdpTarget(options, host);
    case 'unaccepting':
      return startUnacceptingTarget(host);
    default:
      return startTcpTarget(options, host);
  }
}
