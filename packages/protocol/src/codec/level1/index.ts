export { scanKey } from './scan.js';
export {
  decodeBatchRequest,
  decodeBatchResponse,
  decodeSingleRequest,
  decodeTunnelResponse,
  type DecodedBatchRequest,
  type InvalidOp,
} from './decode.js';
export { encodeBatchRequest, encodeBatchResponse, encodeSingleRequest, encodeTunnelResponse } from './encode.js';
