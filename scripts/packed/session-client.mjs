// The other end of the packed smoke: sends frames, compares what comes back with what it sent and with the hash of the host, and
// says which tier it was on and where its addon is. Copied beside the installed packages, and run there.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { loadNative } from '@millrace/udp-native';
import { UdpSession } from '@millrace/udp-session';

const FRAMES = 20;
const sharedKey = Buffer.from(process.env.SMOKE_KEY, 'hex');
const session = await UdpSession.connect({ ...JSON.parse(process.argv[2]), sharedKey });
let bytes = 0;
for (let i = 0; i < FRAMES; i++) {
  const sent = randomBytes(1 + 10_007 * i);
  const back = Promise.all([once(session, 'event'), once(session, 'frame')]);
  session.sendFrame(sent, { deadlineMs: 30_000 });
  const [[hash], [frame]] = await back;
  if (!createHash('sha256').update(sent).digest().equals(hash)) throw new Error(`frame ${i} reached the host changed`);
  if (!sent.equals(frame.data)) throw new Error(`frame ${i} came back changed`);
  bytes += frame.data.length;
  frame.release();
}
process.stdout.write(`${JSON.stringify({ tier: session.stats().tier, addon: loadNative()?.path, bytes })}\n`);
await session.close();
