import { expect, test } from 'vitest';
import { SimulatorError } from './error.js';
import { resolveSettings } from './options.js';

test('without settings it is a relay without faults, limits and delay', () => {
  const settings = resolveSettings({});
  expect(settings).toMatchObject({ seed: 1, textOnly: false, slowFactor: 1, redirects: 0, windows: [] });
  expect(settings.clientLeg.up).toEqual({ delayMs: { fixed: 0 }, rateMbps: 0 });
  expect(Object.values(settings.faults).every((odds) => odds === 0)).toBe(true);
  expect(settings.concurrency + settings.dailyRequests).toBe(0);
});

test('what is given is kept', () => {
  const given = {
    seed: 7,
    clientLeg: { up: { delayMs: { uniform: [1500, 6000] }, rateMbps: 100 } },
    nodeLeg: { down: { delayMs: { coldStart: [8000, 12_000], warm: { fixed: 5 }, idleMs: 1000 } } },
    faults: { requestLost: 0.5, doubled: 0.5 },
    windows: [{ status: 429, retryAfterSeconds: 3, fromMs: 0, toMs: 10 }],
    account: 'a',
  };
  expect(resolveSettings(given)).toMatchObject(given);
});

test.each([
  ['the options', 3, /must be an object, not 3/],
  ['sede', { sede: 1 }, /is not known; known are seed, /],
  ['seed', { seed: 1.5 }, /must be a whole number from 0 to 4294967295, not 1.5/],
  ['textOnly', { textOnly: 'yes' }, /must be true or false/],
  ['clientLeg.sideways', { clientLeg: { sideways: {} } }, /known are up, down/],
  ['clientLeg.up.rateMbps', { clientLeg: { up: { rateMbps: -1 } } }, /from 0.01 to 100000, not -1/],
  ['nodeLeg.down.delayMs', { nodeLeg: { down: { delayMs: {} } } }, /one of fixed, uniform and coldStart/],
  ['nodeLeg.down.delayMs', { nodeLeg: { down: { delayMs: 5 } } }, /must be an object, not 5/],
  ['clientLeg.up.delayMs.fixed', { clientLeg: { up: { delayMs: { fixed: 1e6 } } } }, /from 0 to 600000/],
  ['clientLeg.up.delayMs.uniform', { clientLeg: { up: { delayMs: { uniform: [5, 1] } } } }, /smaller number first/],
  ['clientLeg.up.delayMs.idleMs', { clientLeg: { up: { delayMs: { fixed: 1, idleMs: 1 } } } }, /coldStart only/],
  [
    'clientLeg.up.delayMs.warm',
    { clientLeg: { up: { delayMs: { coldStart: [1, 2], warm: { coldStart: [1, 2] } } } } },
    /fixed or uniform/,
  ],
  ['faults.late', { faults: { late: 2 } }, /from 0 to 1, not 2/],
  ['faults', { faults: { late: 0.6, doubled: 0.6 } }, /add up to 1.2/],
  ['lateMs', { lateMs: 5 }, /list of two numbers, not 5/],
  ['slowFactor', { slowFactor: 0 }, /from 1 to 1000/],
  ['windows', { windows: {} }, /must be a list/],
  ['windows', { windows: Array.from({ length: 1001 }, () => ({})) }, /1000 are the most/],
  ['windows[0].status', { windows: [{ status: 200, fromMs: 0, toMs: 1 }] }, /from 400 to 599/],
  ['windows[0]', { windows: [{ status: 403 }] }, /either fromMs and toMs, or fromRequest and toRequest/],
  ['windows[0]', { windows: [{ status: 403, fromMs: 0, toRequest: 1 }] }, /either/],
  ['windows[0].toMs', { windows: [{ status: 403, fromMs: 0 }] }, /not nothing/],
  [
    'windows[1].toRequest',
    {
      windows: [
        { status: 403, fromMs: 0, toMs: 1 },
        { status: 403, fromRequest: 5, toRequest: 5 },
      ],
    },
    /more than fromRequest/,
  ],
  ['account', { account: '' }, /not empty/],
  ['redirects', { redirects: 6 }, /from 0 to 5/],
])('wrong settings are an error that names %s', (option, given, problem) => {
  let error: unknown;
  try {
    resolveSettings(given);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(SimulatorError);
  expect((error as SimulatorError).message).toMatch(problem);
  expect((error as SimulatorError).message.startsWith(option)).toBe(true);
});
