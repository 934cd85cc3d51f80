import { measureTransfer } from '../run/measure-transfer.js';
import { floorBaseline } from './floor-baseline.js';
import { tunnelScenario, type Scenario } from './scenario.js';
import { ENCODINGS, level1, level2, MiB, type Verb } from './sizes.js';

/** Download and upload differ only in who sends. */
function relayTransfer(name: string, verb: Verb): Scenario {
  return tunnelScenario({
    name,
    about: `${verb} of 64 MiB through one relay, on 1 and 4 streams`,
    variants: ({ quick }) => {
      const bytes = quick ? 2 * MiB : 64 * MiB;
      const ours = ENCODINGS.flatMap((encoding) =>
        [1, 4].map((streams) => level2(encoding, { streams, bytes: bytes / streams })),
      );
      // One row of level 1 to compare with: it is what existing fleets have.
      return verb === 'download' ? [...ours, level1({ streams: 1, bytes })] : ours;
    },
    peers: ({ encoding }) => encoding === 'bytes',
    target: ({ level }) =>
      level === 2 ? { figure: 'ratio', atLeast: 0.5, text: 'at least 0.5 of relay-floor in that encoding' } : undefined,
    setUp: ({ level, encoding }) => ({ level, encoding }),
    baseline: floorBaseline(verb === 'download' ? 'down' : 'up'),
    measure: (lab, bed, { streams, bytes }) => measureTransfer(lab, bed, { verb, streams, bytesPerStream: bytes }),
  });
}

export const relayDownload = relayTransfer('relay-download', 'download');
export const relayUpload = relayTransfer('relay-upload', 'upload');
