/** OpenSSH through a forward: the server speaks first. */
import { patternSha256, patternStream } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program, run } from './support/programs.js';
import { startSshd } from './support/sshd.js';
import { type Stack, address, startStack } from './support/stack.js';

const BYTES = 8 * 1024 * 1024;
const SEED = 23;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack?.close());

for (const openReply of ['result', 'early'] as const) {
  test(`a command runs at the other end, and its exit code comes back (${openReply} replies)`, async (context) => {
    const ssh = program(context, 'ssh');
    const sshd = await startSshd(context);
    const forward = address(await stack.forward({ host: 'target.test', port: sshd.port }, { openReply }));
    const finished = await run(ssh, [...sshd.clientArgs(forward.host, forward.port), 'echo hello; exit 7'], context);
    expect(finished, sshd.log()).toMatchObject({ code: 7, text: 'hello\n', stderr: '' });
  });
}

test('8 MiB go there and back as they were sent', async (context) => {
  const ssh = program(context, 'ssh');
  const sshd = await startSshd(context);
  const forward = address(await stack.forward({ host: 'target.test', port: sshd.port }));
  const args = sshd.clientArgs(forward.host, forward.port);
  const send = () => ({ stdin: patternStream(BYTES, SEED), signal: context.signal });
  const sha256 = patternSha256(BYTES, SEED);

  const hashed = await run(ssh, [...args, 'sha256sum'], send());
  expect(hashed, sshd.log()).toMatchObject({ code: 0, text: `${sha256}  -\n` });
  const echoed = await run(ssh, [...args, 'cat'], send());
  expect(echoed, sshd.log()).toMatchObject({ code: 0, bytes: BYTES, sha256 });
});
