/** Process: both ends of a UDP session without sockets: what its own code costs, with the best kernels of this machine. */
import { chooseCrypto, chooseFec, loadAddon, SessionCore, type SessionKeys } from '@millrace/udp-session';
import { serveTasks } from '../micro/serve-tasks.js';
import { FrameChecker, FrameContent } from '../udp/frame-content.js';

const PACKET_BYTES = 1200;
/** 20 shards of what a packet of this size bears, with 5 of parity. */
const FRAME_BYTES = 20 * 1158 - 9;
const PACKETS_PER_FRAME = 25;
/** Frames of one operation, and of one moment of the virtual clock. */
const FRAMES = 64;
const FRAMES_AT_ONCE = 8;
const STEP_MS = 0.5;
/** Frames are kept for so long, in case shards are asked for again. */
const DEADLINE_MS = 20;

const addon = await loadAddon();
const environment = {
  crypto: chooseCrypto(addon),
  fec: chooseFec(addon),
  random: (bytes: number) => new Uint8Array(bytes),
};
const secrets = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;

function coreOf(sendSecret: Uint8Array, receiveSecret: Uint8Array, peer: string): SessionCore {
  const keys: SessionKeys = { cipher: 'aes-128-gcm', localId: 1, peerId: 1, sendSecret, receiveSecret };
  const bounds = { parityFloor: 0.25, parityCeiling: 0.25, maxPacketBytes: PACKET_BYTES };
  return new SessionCore(environment, keys, { ...bounds, paced: false }, peer, 0);
}

const host = coreOf(secrets[0], secrets[1], 'client');
const client = coreOf(secrets[1], secrets[0], 'host');
const content = new FrameContent(FRAME_BYTES);
let now = 0;
let next = 0;

function carry(from: SessionCore, to: SessionCore, name: string): void {
  for (let out = from.pollTransmit(now); out !== undefined; out = from.pollTransmit(now)) {
    to.handleDatagrams(out, name, now);
  }
}

/** Sends some frames, and compares each where it comes out. */
function frames(): void {
  const checker = new FrameChecker(content, next, FRAMES);
  for (const end = next + FRAMES; next < end;) {
    now += STEP_MS;
    host.handleTimeout(now);
    for (let i = 0; i < FRAMES_AT_ONCE; i++, next++)
      host.sealFrame(content.of(next), { deadlineMs: DEADLINE_MS, pts: next }, now);
    carry(host, client, 'host');
    client.handleTimeout(now);
    for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) {
      if (event.type !== 'frame') continue;
      checker.take(event.pts, event.data, event.recovered);
      event.release();
    }
    carry(client, host, 'client');
  }
  const { problem, right } = checker.counts;
  if (problem !== undefined || !checker.complete) throw new Error(problem ?? `${right} of ${FRAMES} frames came`);
}

serveTasks({
  'session-frames': { bytes: FRAMES * FRAME_BYTES, packets: FRAMES * PACKETS_PER_FRAME, run: frames },
});
