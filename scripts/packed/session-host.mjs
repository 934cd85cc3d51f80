// One end of the packed smoke: says where it listens, gives every frame back with its hash as an event before it, and at the
// end says which tier it was on. Copied beside the installed packages, and run there.
import { createHash } from 'node:crypto';
import { UdpSession } from '@millrace/udp-session';

const sharedKey = Buffer.from(process.env.SMOKE_KEY, 'hex');
const host = await UdpSession.listen({ address: '127.0.0.1', port: 0, sharedKey });
host.once('session', (session) => {
  session.on('frame', (frame) => {
    session.sendEvent(createHash('sha256').update(frame.data).digest());
    session.sendFrame(frame.data, { deadlineMs: 30_000 });
    frame.release();
  });
  session.once('close', () => {
    process.stdout.write(`${JSON.stringify({ tier: session.stats().tier })}\n`);
    void host.close();
  });
});
process.stdout.write(`${JSON.stringify(host.local)}\n`);
