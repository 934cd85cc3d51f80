import { measureTransfer } from '../run/measure-transfer.js';
import { floorBaseline } from './floor-baseline.js';
import { tunnelScenario, type Scenario } from './scenario.js';
import { level1, MiB } from './sizes.js';

/** Download and upload differ only in who sends. */
function relayTransfer(name: string, verb: 'download' | 'upload'): Scenario {
  return tunnelScenario({
    name,
    about: `${verb} of 64 MiB through one relay, on 1 and 4 streams`,
    peers: true,
    variants: ({ quick }) => {
      const bytes = quick ? 2 * MiB : 64 * MiB;
      return [1, 4].map((streams) => level1({ streams, bytes: bytes / streams }));
    },
    target: () => ({ figure: 'ratio', atLeast: 0.5, text: 'at least 0.5 of relay-floor in that encoding' }),
    baseline: floorBaseline(verb === 'download' ? 'down' : 'up'),
    measure: (lab, bed, { streams, bytes }) => measureTransfer(lab, bed, { verb, streams, bytesPerStream: bytes }),
  });
}

export const relayDownload = relayTransfer('relay-download', 'download');
export const relayUpload = relayTransfer('relay-upload', 'upload');
