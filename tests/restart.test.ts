/** A node that is restarted has forgotten its streams: none of them may look complete. */
import { patternBytes, startTarget } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { program, run } from './support/programs.js';
import { startStack } from './support/stack.js';

test.for(['node', 'relay'] as const)(
  'a download cut by a restart is a reset for curl, over a %s',
  async (way, context) => {
    const curl = program(context, 'curl');
    const stack = await startStack({ way });
    context.onTestFinished(() => stack.close());
    const manual = await startTarget({ kind: 'manual' });
    context.onTestFinished(() => manual.close());
    const fetched = () =>
      run(curl, ['-q', '-sS', '--socks5-hostname', stack.socks, `http://target.test:${manual.port}/`], context);

    // Without a length only the end of the connection tells curl that it has everything.
    const cut = fetched();
    const connection = await manual.next();
    await connection.received(1);
    connection.socket.write('HTTP/1.0 200 OK\r\n\r\n');
    connection.socket.write(patternBytes(100_000, 5));
    await stack.exchange();
    await stack.restartNode();
    expect(await cut, stack.story()).toMatchObject({ code: 56 });

    const whole = fetched();
    const next = await manual.next();
    await next.received(1);
    next.socket.end('HTTP/1.0 200 OK\r\n\r\nhello');
    expect(await whole, stack.story()).toMatchObject({ code: 0, text: 'hello' });
  },
);
