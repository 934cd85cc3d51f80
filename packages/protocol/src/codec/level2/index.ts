export { BodyBuffers, dropView, holdView } from './body-buffers.js';
export { decodeBody, encodeBody, TOKEN_BYTES, type BodyParts, type EncodeBodyOptions } from './body.js';
export { decodePacket, encodePacket } from './packet.js';
export { deriveToken } from './token.js';
export type {
  PacketRangeValue,
  PacketValue,
  SegmentDatagramValue,
  SegmentOpenedValue,
  SegmentOpenValue,
  SegmentValue,
} from '../../gen/level2-fields.js';
