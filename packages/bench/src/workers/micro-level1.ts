/** Process: the codec of level 1 on fixed inputs. */
import { decodeBase64, encodeBase64 } from '@millrace/protocol';
import {
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
  scanKey,
} from '@millrace/protocol/level1';
import { patternBytes } from '@millrace/testkit';
import { serveTasks } from '../micro/serve-tasks.js';

/** Payload of one message: what a batch of one busy stream carries. */
const bytes = 256 * 1024;

const payload = patternBytes(bytes, 7);
const text = encodeBase64(payload);
const sid = '6f1c8a3e-90c5-4f0e-8f8e-0d2b8a6c1e57';
const request = { k: 'fixture-key-fixture-key-fixture', ops: [{ op: 'data' as const, sid, d: text, seq: 3 }] };
const response = { r: [{ sid, d: text, eof: false, seq: 3 }] };
const requestBody = encodeBatchRequest(request);
const responseBody = encodeBatchResponse(response);

serveTasks({
  'level1-encode-request': { bytes, run: () => encodeBatchRequest(request) },
  'level1-decode-request': { bytes, run: () => decodeBatchRequest(requestBody) },
  'level1-encode-response': { bytes, run: () => encodeBatchResponse(response) },
  'level1-decode-response': { bytes, run: () => decodeBatchResponse(responseBody) },
  'scan-key': { bytes, run: () => scanKey(requestBody) },
  'base64-encode': { bytes, run: () => encodeBase64(payload) },
  'base64-decode': { bytes, run: () => decodeBase64(text) },
});
