/** Process: the codec of level 2 on fixed inputs. */
import { decodePacket, encodePacket } from '@millrace/protocol/level2';
import { patternBytes } from '@millrace/testkit';
import { serveTasks } from '../micro/serve-tasks.js';

/** Payload of one packet of bulk. */
const BULK_BYTES = 256 * 1024;
/** Segments of a packet that carries a little of many streams, and what each carries. */
const SEGMENTS = 200;
const SEGMENT_BYTES = 100;

const head = { n: 5, cid: patternBytes(16, 9), answers: 4 };
const bulk = {
  ...head,
  segments: [{ sid: 1, off: 65536, d: patternBytes(BULK_BYTES, 7), ack: 10, credit: 1 << 20 }],
};
const small = {
  ...head,
  segments: Array.from({ length: SEGMENTS }, (_, sid) => ({
    sid,
    off: sid * 1000,
    d: patternBytes(SEGMENT_BYTES, sid),
    ack: sid,
    credit: 65536 + sid,
  })),
};
const bulkBytes = encodePacket(bulk);
const smallBytes = encodePacket(small);

serveTasks({
  'level2-encode': { bytes: BULK_BYTES, run: () => encodePacket(bulk) },
  'level2-decode': { bytes: BULK_BYTES, run: () => decodePacket(bulkBytes) },
  'level2-encode-200-segments': { bytes: SEGMENTS * SEGMENT_BYTES, run: () => encodePacket(small) },
  'level2-decode-200-segments': { bytes: SEGMENTS * SEGMENT_BYTES, run: () => decodePacket(smallBytes) },
});
