import { assert, commands, constantFrom, integer, modelRun, property, tuple, type Command } from 'fast-check';
import { expect, test } from 'vitest';

import { Pair } from './sim/pair.js';
import { checkPattern, patternAt } from './sim/pattern.js';

type End = 'client' | 'node';
const other = (end: End): End => (end === 'client' ? 'node' : 'client');

/** The reference: what each application wrote and read, and how each direction ended. */
interface Model {
  written: Record<End, number>;
  finished: Record<End, boolean>;
  read: Record<End, number>;
  ended: Record<End, boolean>;
  reset: boolean;
}

interface Real {
  pair: Pair;
  sid: number;
}

const salt = (end: End) => (end === 'client' ? 11 : 4242);

class Write implements Command<Model, Real> {
  readonly end: End;
  readonly size: number;
  constructor(end: End, size: number) {
    this.end = end;
    this.size = size;
  }
  check = (model: Readonly<Model>) => !model.finished[this.end];
  run(model: Model, { pair, sid }: Real): void {
    const taken = pair[this.end].write(sid, patternAt(salt(this.end), model.written[this.end], this.size), pair.now);
    expect(taken).toBeLessThanOrEqual(this.size);
    if (model.reset) expect(taken).toBeGreaterThanOrEqual(0);
    model.written[this.end] += taken;
  }
  toString = () => `${this.end} writes ${this.size}`;
}

class Finish implements Command<Model, Real> {
  readonly end: End;
  constructor(end: End) {
    this.end = end;
  }
  check = (model: Readonly<Model>) => !model.finished[this.end];
  run(model: Model, { pair, sid }: Real): void {
    pair[this.end].finish(sid, pair.now);
    model.finished[this.end] = true;
  }
  toString = () => `${this.end} finishes`;
}

class Read implements Command<Model, Real> {
  readonly end: End;
  readonly size: number;
  constructor(end: End, size: number) {
    this.end = end;
    this.size = size;
  }
  check = () => true;
  run(model: Model, { pair, sid }: Real): void {
    const bytes = pair[this.end].read(sid, this.size);
    if (bytes === null) {
      expect(model.finished[other(this.end)]).toBe(true);
      expect(model.read[this.end]).toBe(model.written[other(this.end)]);
      model.ended[this.end] = true;
    } else if (bytes !== undefined) {
      checkPattern(salt(other(this.end)), model.read[this.end], bytes);
      model.read[this.end] += bytes.length;
      expect(model.read[this.end]).toBeLessThanOrEqual(model.written[other(this.end)]);
      pair[this.end].consume(sid, bytes.length, pair.now);
    }
  }
  toString = () => `${this.end} reads ${this.size}`;
}

class Reset implements Command<Model, Real> {
  readonly end: End;
  constructor(end: End) {
    this.end = end;
  }
  check = (model: Readonly<Model>) => !model.reset;
  run(model: Model, { pair, sid }: Real): void {
    pair[this.end].reset(sid, 'ABORTED', pair.now);
    expect(pair[this.end].read(sid)).toBeUndefined();
    model.reset = true;
  }
  toString = () => `${this.end} resets`;
}

class Pass implements Command<Model, Real> {
  readonly ms: number;
  readonly fates: string;
  constructor(ms: number, fates: string) {
    this.ms = ms;
    this.fates = fates;
  }
  check = () => true;
  run(_model: Model, { pair }: Real): void {
    let count = 0;
    pair.fate = () => {
      const fate = this.fates[count++ % this.fates.length];
      return fate === 'l' ? 'lose' : fate === 'f' ? 'fail' : fate === 's' ? { delayMs: 300 } : 'deliver';
    };
    pair.run(this.ms);
    pair.fate = () => 'deliver';
  }
  toString = () => `${this.ms} ms pass, fates ${this.fates}`;
}

const end = constantFrom<End>('client', 'node');
const steps = [
  tuple(end, integer({ min: 1, max: 40_000 })).map(([who, size]) => new Write(who, size)),
  tuple(end, integer({ min: 1, max: 60_000 })).map(([who, size]) => new Read(who, size)),
  end.map((who) => new Finish(who)),
  tuple(integer({ min: 1, max: 3000 }), constantFrom('d', 'dl', 'ddf', 'sd', 'ldfsd', 'dddl')).map(
    ([ms, fates]) => new Pass(ms, fates),
  ),
];

/** Nothing is left of the stream. The node may have something to tell until the client has a reason to speak again. */
function expectEmpty({ pair, sid }: Real): void {
  const next = pair.open();
  pair.run(120_000);
  for (const end of ['client', 'node'] as const)
    expect(pair[end].inspect().map((stream) => stream.sid)).toEqual([next]);
  expect(next).not.toBe(sid);
}

function run(given: Iterable<Command<Model, Real>>, allowReset: boolean): void {
  const small = { receiveBudgetBytes: 65_536, sendBudgetBytes: 32_768, maxGaps: 4 };
  const paths = {
    a: { paired: true, delayMs: 20, maxRequestBytes: 8192, maxResponseBytes: 8192 },
    b: { paired: true, delayMs: 30 },
  };
  const pair = new Pair({ client: small, node: small, paths });
  const sid = pair.open();
  pair.run(500);
  const model: Model = {
    written: { client: 0, node: 0 },
    finished: { client: false, node: false },
    read: { client: 0, node: 0 },
    ended: { client: false, node: false },
    reset: false,
  };
  const real = { pair, sid };
  modelRun(() => ({ model, real }), given);
  if (model.reset) {
    // What was complete before the reset stays readable.
    for (let round = 0; round < 30; round++) {
      for (const who of ['client', 'node'] as const) new Read(who, 1_000_000).run(model, real);
      pair.run(10_000);
    }
    expectEmpty(real);
    return;
  }
  // Then both end, and everything that was written has to come out.
  for (const who of ['client', 'node'] as const) if (!model.finished[who]) new Finish(who).run(model, real);
  for (let round = 0; round < 200 && !(model.ended.client && model.ended.node); round++) {
    for (const who of ['client', 'node'] as const) {
      for (let before = -1; before !== model.read[who];) {
        before = model.read[who];
        if (!model.ended[who]) new Read(who, 1_000_000).run(model, real);
      }
    }
    pair.run(2000);
  }
  expect(model.read).toEqual({ client: model.written.node, node: model.written.client });
  expect(model.ended).toEqual({ client: true, node: true });
  pair.run(60_000);
  expectEmpty(real);
  expect(allowReset || pair.clientEvents.every(({ type }) => type !== 'reset')).toBe(true);
}

test('a stream behaves as two plain byte queues, whatever both ends and the network do', { timeout: 120_000 }, () => {
  assert(
    property(commands(steps, { size: '+1' }), (given) => run(given, false)),
    { numRuns: 500 },
  );
});

test('a reset at any moment leaves nothing behind at either end', { timeout: 120_000 }, () => {
  const withReset = [...steps, end.map((who) => new Reset(who))];
  assert(
    property(commands(withReset, { size: '+1' }), (given) => run(given, true)),
    { numRuns: 500 },
  );
});
