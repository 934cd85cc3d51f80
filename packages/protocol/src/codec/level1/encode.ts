import { LEVEL1_FIELDS } from '../../gen/level1-fields.js';
import type { BatchOp, BatchRequest, BatchResponse, SingleRequest, TunnelResponse } from '../../spec/level1.js';
import { encodeUtf8, fieldText, objectText } from './text.js';

// Fields are written in the order of the spec, absent ones not at all: a message without the newer fields comes out as the
// very bytes of the older form.

/** Body of `POST /tunnel/batch`. */
export const encodeBatchRequest = (request: BatchRequest): Uint8Array =>
  encodeUtf8(
    objectText<BatchRequest>(request, LEVEL1_FIELDS.BatchRequest, (field, item) =>
      field === 'ops' ? list(item as BatchOp[], LEVEL1_FIELDS.BatchOp) : fieldText(field, item),
    ),
  );

/** Body of `POST /tunnel`. */
export const encodeSingleRequest = (request: SingleRequest): Uint8Array =>
  encodeUtf8(objectText<SingleRequest>(request, LEVEL1_FIELDS.SingleRequest));

/** Answer to `POST /tunnel/batch`. */
export const encodeBatchResponse = (response: BatchResponse): Uint8Array =>
  encodeUtf8(
    objectText<BatchResponse>(response, LEVEL1_FIELDS.BatchResponse, (field, item) =>
      field === 'r' ? list(item as TunnelResponse[], LEVEL1_FIELDS.TunnelResponse) : fieldText(field, item),
    ),
  );

/** Answer to `POST /tunnel`. */
export const encodeTunnelResponse = (response: TunnelResponse): Uint8Array =>
  encodeUtf8(objectText<TunnelResponse>(response, LEVEL1_FIELDS.TunnelResponse));

const list = <T extends object>(items: readonly T[], fields: readonly (keyof T & string)[]): string =>
  `[${items.map((item) => objectText(item, fields)).join(',')}]`;
