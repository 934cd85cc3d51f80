/**
 * Random sequences: streams that write, read, end and reset, over relays that delay, reorder, lose and fail, drawn from a
 * seed. Whatever happens, a stream's bytes are right up to where it ends, and it ends: cleanly with all of them, or with an error.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { patternBytes, PatternChecker } from '@millrace/testkit';
import { failed } from '../src/carriers/carrier.js';
import { TunnelError } from '../src/errors.js';
import { answerLost, requestLost, unreached, type Handle } from './support/fake-carrier.js';
import type { FakeTarget } from './support/fake-node.js';
import { fakeTunnel, type FakeSetup } from './support/setup.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomOf>;

/** Exchanges wait here until the test lets one of them go on, in any order. */
class Traffic {
  readonly #held: Array<() => void> = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  hold(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve));
  }

  /** Lets one go on. Returns whether there was one. */
  release(): boolean {
    const index = this.#random(this.#held.length || 1);
    const [go] = this.#held.splice(index, 1);
    go?.();
    return go !== undefined;
  }
}

function handleOf(random: Random, traffic: Traffic, faults: number): Handle {
  return async (exchange) => {
    await traffic.hold();
    const fate = random(1_000);
    if (fate < faults) return requestLost();
    if (fate < 2 * faults) return answerLost(exchange);
    if (fate < 3 * faults) return unreached();
    if (fate < 4 * faults) return failed('RELAY_TIMEOUT', 'fake relay: not reached in time', false);
    const r = await exchange.run();
    await traffic.hold();
    return { ok: true, body: Buffer.from(JSON.stringify({ r })) };
  };
}

interface Outcome {
  clean: number;
  cut: number;
}

async function runStream(setup: FakeSetup, random: Random, id: number, outcome: Outcome): Promise<void> {
  const [up, down] = [random(200_000), random(200_000)];
  const host = `h${id}`;
  let target: FakeTarget | undefined;
  const find = (): FakeTarget | undefined => [...setup.node.targets.values()].find(({ open }) => open.host === host);
  const sent = new PatternChecker(id);
  const got = new PatternChecker(id + 1_000);
  try {
    const first = patternBytes(Math.min(up, random(1_000)), id);
    const stream = await setup.tunnel.connect({
      host,
      port: 1,
      ...(first.byteLength > 0 ? { firstBytes: first } : {}),
      openReply: random(2) === 0 ? 'early' : 'result',
    });
    const reading = (async () => {
      for await (const chunk of stream.readable) got.push(chunk);
    })();
    reading.catch(() => {});
    await stream.opened;
    target = find();
    const writer = stream.writable.getWriter();
    const writing = (async () => {
      for (let at = first.byteLength; at < up;) {
        const size = Math.min(1 + random(40_000), up - at);
        await writer.write(patternBytes(size, id, at));
        at += size;
      }
      await writer.close();
    })();
    writing.catch(() => {});
    for (let at = 0; at < down;) {
      const size = Math.min(1 + random(40_000), down - at);
      target?.send(patternBytes(size, id + 1_000, at));
      at += size;
      await new Promise((resolve) => setImmediate(resolve));
    }
    target?.end();
    await Promise.all([reading, writing]);
    await stream.closed;
    got.end(down);
    sent.push(target!.bytes);
    sent.end(up);
    outcome.clean += 1;
  } catch (error) {
    expect(error).toBeInstanceOf(TunnelError);
    if (target !== undefined) sent.push(target.bytes);
    outcome.cut += 1;
  }
}

async function runSeed(seed: number, faults: number, caps: number | undefined): Promise<Outcome> {
  const random = randomOf(seed);
  const traffic = new Traffic(random);
  const outcome: Outcome = { clean: 0, cut: 0 };
  const setup = fakeTunnel({
    count: 1 + random(3),
    pipelineDepth: 1 + random(8),
    batchWaitMs: random(30),
    streamBufferBytes: 65_536 << random(5),
    node: { caps },
  });
  for (const carrier of setup.carriers) carrier.handle = handleOf(random, traffic, faults);
  const running = new Set(Array.from({ length: 12 }, (_, index) => index + 1));
  const streams = [...running].map((id) => runStream(setup, random, id, outcome).finally(() => running.delete(id)));
  for (let quiet = 0; running.size > 0;) {
    quiet = traffic.release() ? 0 : quiet + 1;
    if (quiet > 20) {
      // Nothing is under way: polls are held by the node, or the client waits.
      quiet = 0;
      setup.node.releasePolls();
      await vi.advanceTimersByTimeAsync(500);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(streams);
  const closing = setup.tunnel.close();
  for (let done = false; !done; traffic.release()) {
    await vi.advanceTimersByTimeAsync(100);
    done = await Promise.race([
      closing.then(() => true),
      new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
    ]);
  }
  return outcome;
}

describe('random sequences', () => {
  test.each([
    ['pipelined', 1],
    ['serial', undefined],
  ])(
    'without faults every %s stream ends cleanly, byte for byte, however exchanges overtake each other',
    async (_name, caps) => {
      for (let seed = 1; seed <= 12; seed += 1) {
        expect(await runSeed(seed, 0, caps), `seed ${seed}`).toEqual({ clean: 12, cut: 0 });
      }
    },
  );

  test.each([
    ['pipelined', 1],
    ['serial', undefined],
  ])('with faults no %s stream ever has a wrong byte, and each ends', async (_name, caps) => {
    let clean = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const outcome = await runSeed(seed, 5 * (seed % 5), caps);
      expect(outcome.clean + outcome.cut, `seed ${seed}`).toBe(12);
      clean += outcome.clean;
    }
    expect(clean).toBeGreaterThan(24);
  });
});
