import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { forward } from './forward.js';
import type { NodeReply, NodeRequest, RelayRequest, SendToNode } from './types.js';

const OPTIONS = { nodeTimeoutMs: 1000, maxBodyBytes: 100 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A body whose chunks the test gives. */
class Source implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  #failed = false;
  #waiting: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: Error): void } | undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#failed) return Promise.reject(new Error('cut'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  give(value: string): void {
    this.#waiting?.resolve({ done: false, value: text(value) });
  }

  end(): void {
    this.#waiting?.resolve({ done: true, value: undefined });
  }

  fail(): void {
    this.#failed = true;
    this.#waiting?.reject(new Error('cut'));
  }
}

async function* chunks(...values: string[]): AsyncGenerator<Uint8Array, void, void> {
  for (const value of values) yield text(value);
}

function request(more: Partial<RelayRequest> = {}): RelayRequest {
  return { method: 'POST', token: null, body: chunks('{}'), signal: new AbortController().signal, ...more };
}

/** A node that reads the whole request, then answers. */
function node(reply: Partial<NodeReply>): SendToNode {
  return async ({ body, signal }) => {
    for await (const chunk of body) void chunk;
    // Giving up the request fails its answer, as every client of HTTP does it.
    signal.addEventListener('abort', () => reply.body instanceof Source && reply.body.fail());
    return { status: 200, framed: true, body: chunks('{}'), ...reply };
  };
}

/** A node that rejects when its request is given up, as every client of HTTP does. */
function silent(onRequest: (request: NodeRequest) => void = () => {}): SendToNode {
  return (toNode) => {
    onRequest(toNode);
    return new Promise((_resolve, reject) => {
      toNode.signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  };
}

async function failureOf(answer: ReturnType<typeof forward>): Promise<string | undefined> {
  return (await answer).failure?.code;
}

async function readBody(answer: Awaited<ReturnType<typeof forward>>): Promise<string> {
  if (typeof answer.body === 'string') return answer.body;
  if (answer.body instanceof Uint8Array) return new TextDecoder().decode(answer.body);
  let read = '';
  for await (const chunk of answer.body) read += new TextDecoder().decode(chunk);
  return read;
}

describe('time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('a node that never answers is given up after its time, and not before', async () => {
    let aborted = false;
    const send = silent(({ signal }) => signal.addEventListener('abort', () => (aborted = true)));
    const answer = forward(request(), send, OPTIONS);
    await vi.advanceTimersByTimeAsync(999);
    expect(aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(aborted).toBe(true);
    expect(await failureOf(answer)).toBe('RELAY_TIMEOUT');
  });

  test('an upload that goes on is not silence', async () => {
    const source = new Source();
    const answer = forward(request({ body: source }), node({}), OPTIONS);
    for (let i = 0; i < 5; i += 1) {
      await vi.advanceTimersByTimeAsync(900);
      source.give('{');
    }
    await vi.advanceTimersByTimeAsync(900);
    source.end();
    expect(await readBody(await answer)).toBe('{}');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a node that stops in the middle of its answer is a cut with the code of a timeout', async () => {
    const source = new Source();
    const pending = forward(request(), node({ body: source }), OPTIONS);
    await vi.advanceTimersByTimeAsync(0);
    source.give('{"r":');
    const answer = await pending;
    const outcome = expect(readBody(answer)).rejects.toMatchObject({ name: 'RelayError', code: 'RELAY_TIMEOUT' });
    await vi.advanceTimersByTimeAsync(1000);
    await outcome;
  });

  test('the time in which the client takes nothing does not count', async () => {
    const source = new Source();
    const pending = forward(request(), node({ body: source }), OPTIONS);
    await vi.advanceTimersByTimeAsync(0);
    source.give('{"r":');
    const { body } = await pending;
    const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await iterator.next();
    await vi.advanceTimersByTimeAsync(1_000_000);
    const last = iterator.next();
    await vi.advanceTimersByTimeAsync(0);
    source.give('[]}');
    expect(new TextDecoder().decode((await last).value as Uint8Array)).toBe('[]}');
    const end = iterator.next();
    await vi.advanceTimersByTimeAsync(0);
    source.end();
    expect((await end).done).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

const refuse: SendToNode = () => Promise.reject(new Error('connection refused'));

const readOneThenBreak: SendToNode = async ({ body }) => {
  if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().next();
  throw new Error('connection reset');
};

const readAllThenBreak: SendToNode = async ({ body }) => {
  for await (const chunk of body) void chunk;
  throw new Error('connection reset');
};

describe('what is known of a request that failed', () => {
  test('nothing was read: the node cannot have it', async () => {
    expect(await failureOf(forward(request(), refuse, OPTIONS))).toBe('RELAY_NODE_DOWN');
  });

  test('in chunks, all but the end was sent: the node cannot have it', async () => {
    expect(await failureOf(forward(request(), readOneThenBreak, OPTIONS))).toBe('RELAY_NODE_DOWN');
  });

  test('with a length, the last byte was sent: the node may have it', async () => {
    expect(await failureOf(forward(request({ contentLength: 2 }), readOneThenBreak, OPTIONS))).toBe('RELAY_TRUNCATED');
  });

  test('the end was sent: the node may have it', async () => {
    expect(await failureOf(forward(request(), readAllThenBreak, OPTIONS))).toBe('RELAY_TRUNCATED');
  });
});

describe('bounds', () => {
  test.each([
    [100, undefined],
    [101, 'BODY_TOO_LARGE'],
  ])('a request of %i bytes in chunks ends with %s', async (bytes, code) => {
    const sent: number[] = [];
    const body = chunks('{'.repeat(50), 'x'.repeat(bytes - 50));
    const answer = forward(request({ body, onSent: (count) => sent.push(count) }), node({}), OPTIONS);
    expect(await failureOf(answer)).toBe(code);
    expect(sent).toEqual(code === undefined ? [50, 50] : [50]);
  });

  test('a request that says it is too large is not read', async () => {
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        throw new Error('read');
      },
    };
    const answer = forward(request({ body, contentLength: 101 }), node({}), OPTIONS);
    expect(await failureOf(answer)).toBe('BODY_TOO_LARGE');
  });

  test('an answer that is shorter or longer than it said is cut', async () => {
    for (const contentLength of [4, 6]) {
      const answer = await forward(request(), node({ body: chunks('{"r"', '}'), contentLength }), OPTIONS);
      await expect(readBody(answer)).rejects.toMatchObject({ code: 'RELAY_TRUNCATED' });
    }
    const whole = await forward(request(), node({ body: chunks('{"r"', '}'), contentLength: 5 }), OPTIONS);
    expect(await readBody(whole)).toBe('{"r"}');
  });

  test('an endless page under another status is not read to its end', async () => {
    let given = 0;
    const page = async function* (): AsyncGenerator<Uint8Array, void, void> {
      for (;;) {
        given += 10_000;
        yield text('x'.repeat(10_000));
      }
    };
    expect(await failureOf(forward(request(), node({ status: 500, body: page() }), OPTIONS))).toBe('RELAY_STATUS');
    expect(given).toBeLessThan(100_000);
  });

  test('empty chunks are no end and no start', async () => {
    const answer = await forward(request(), node({ body: chunks('', '{"r":', '', '[]}', '') }), OPTIONS);
    expect(await readBody(answer)).toBe('{"r":[]}');
    expect(await failureOf(forward(request(), node({ body: chunks('', '') }), OPTIONS))).toBe('RELAY_EMPTY');
  });
});

describe('clients that go away', () => {
  test('before anything: nothing is sent', async () => {
    let sent = false;
    const send: SendToNode = () => {
      sent = true;
      return Promise.reject(new Error('unused'));
    };
    await expect(forward(request({ signal: AbortSignal.abort() }), send, OPTIONS)).rejects.toThrow('abort');
    expect(sent).toBe(false);
  });

  test('while the node works: the request to the node is given up', async () => {
    const client = new AbortController();
    const answer = forward(request({ signal: client.signal }), silent(), OPTIONS);
    client.abort();
    await expect(answer).rejects.toThrow('aborted');
  });

  test('in the middle of the answer: the request to the node is given up', async () => {
    let signal: NodeRequest['signal'] | undefined;
    const send: SendToNode = (toNode) => {
      signal = toNode.signal;
      return node({ body: chunks('{', '}') })(toNode);
    };
    const answer = await forward(request(), send, OPTIONS);
    expect(signal?.aborted).toBe(false);
    answer.cancel();
    expect(signal?.aborted).toBe(true);
  });

  test('after the whole answer: nothing is given up', async () => {
    let signal: NodeRequest['signal'] | undefined;
    const send: SendToNode = (toNode) => {
      signal = toNode.signal;
      return node({})(toNode);
    };
    expect(await readBody(await forward(request(), send, OPTIONS))).toBe('{}');
    expect(signal?.aborted).toBe(false);
  });
});

describe('bodies that are at hand', () => {
  const whole = (value: string): Partial<RelayRequest> => ({ body: text(value), contentLength: value.length });

  test('go on as they are, and so does the answer', async () => {
    let sent = 0;
    const seen: unknown[] = [];
    const send: SendToNode = async ({ body, contentLength, onSending }) => {
      seen.push(body, contentLength);
      onSending?.();
      return { status: 200, framed: true, contentLength: 4, body: text('{"":') };
    };
    const answer = await forward(request({ ...whole('{"k"'), onSent: (bytes) => (sent += bytes) }), send, OPTIONS);
    expect(seen).toEqual([text('{"k"'), 4]);
    expect([sent, answer.contentLength, await readBody(answer)]).toEqual([4, 4, '{"":']);
  });

  test.each([
    ['', 'RELAY_EMPTY'],
    ['<html>', 'RELAY_HTML'],
    ['?', 'RELAY_BODY'],
  ])('an answer %j is %s', async (answered, code) => {
    const send: SendToNode = () => Promise.resolve({ status: 200, framed: true, body: text(answered) });
    expect(await failureOf(forward(request(whole('{}')), send, OPTIONS))).toBe(code);
  });

  test('an error of the node under another status is handed on', async () => {
    const send: SendToNode = () => Promise.resolve({ status: 500, framed: true, body: text('{"e":"no"}') });
    expect(await readBody(await forward(request(whole('{}')), send, OPTIONS))).toBe('{"e":"no"}');
  });

  test.each([
    [false, 'RELAY_NODE_DOWN'],
    [true, 'RELAY_TRUNCATED'],
  ])('no answer to one that may have left (%s) is %s', async (left, code) => {
    const send: SendToNode = ({ onSending }) => {
      if (left) onSending?.();
      return Promise.reject(new Error('gone'));
    };
    expect(await failureOf(forward(request(whole('{}')), send, OPTIONS))).toBe(code);
  });
});
