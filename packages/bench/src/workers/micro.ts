/** Process: single functions of the protocol on fixed inputs. */
import { decodeBase64, encodeBase64 } from '@millrace/protocol';
import {
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
  scanKey,
} from '@millrace/protocol/level1';
import { decodePacket, encodePacket } from '@millrace/protocol/level2';
import { patternBytes } from '@millrace/testkit';
import { Bench } from 'tinybench';
import { serve } from '../process/worker.js';

/** Payload of one message: what a batch of one busy stream carries. */
const PAYLOAD_BYTES = 256 * 1024;

const payload = patternBytes(PAYLOAD_BYTES, 7);
const text = encodeBase64(payload);
const sid = '6f1c8a3e-90c5-4f0e-8f8e-0d2b8a6c1e57';
const request = { k: 'fixture-key-fixture-key-fixture', ops: [{ op: 'data' as const, sid, d: text, seq: 3 }] };
const response = { r: [{ sid, d: text, eof: false, seq: 3 }] };
const packet = {
  n: 5,
  cid: patternBytes(16, 9),
  answers: 4,
  segments: [{ sid: 1, off: 65536, d: payload, ack: 10, credit: 1 << 20 }],
};
const requestBody = encodeBatchRequest(request);
const responseBody = encodeBatchResponse(response);
const packetBytes = encodePacket(packet);

const tasks: Record<string, () => unknown> = {
  'level1-encode-request': () => encodeBatchRequest(request),
  'level1-decode-request': () => decodeBatchRequest(requestBody),
  'level1-encode-response': () => encodeBatchResponse(response),
  'level1-decode-response': () => decodeBatchResponse(responseBody),
  'scan-key': () => scanKey(requestBody),
  'base64-encode': () => encodeBase64(payload),
  'base64-decode': () => decodeBase64(text),
  'level2-encode': () => encodePacket(packet),
  'level2-decode': () => decodePacket(packetBytes),
};

const verbs = {
  run: async ({
    task,
    timeMs,
  }: {
    task: string;
    timeMs: number;
  }): Promise<{ operationsPerSecond: number; MBps: number; latencyMsP50: number; latencyMsP99: number }> => {
    const run = tasks[task];
    if (!run) throw new Error(`no task ${task}`);
    const bench = new Bench({ time: timeMs, warmupTime: timeMs / 4 });
    bench.add(task, run);
    const [done] = await bench.run();
    const { result } = done ?? {};
    if (!result || !('latency' in result)) throw new Error(`${task} did not run`);
    const { latency } = result;
    const operationsPerSecond = 1e3 / latency.mean;
    return {
      operationsPerSecond,
      MBps: (operationsPerSecond * PAYLOAD_BYTES) / 1e6,
      latencyMsP50: latency.p50 ?? latency.mean,
      latencyMsP99: latency.p99,
    };
  },
};
export type MicroVerbs = typeof verbs;

serve(verbs);
