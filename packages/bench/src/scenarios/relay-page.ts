import { distribution, wayTo } from '../run/measure-transfer.js';
import { startMeter } from '../run/meter.js';
import { simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { level2 } from './sizes.js';

/** What one resource of the page asks for, and gets. */
const EXCHANGE_BYTES = 1000;

/** A web page over a far relay, by a client that has just been started. */
export const relayPage = tunnelScenario({
  name: 'relay-page',
  about: '50 streams of two round trips each at once over a relay 2 s away, by a client just started, in round trips',
  ownLink: true,
  cold: true,
  variants: ({ quick }) => [level2('bytes', { streams: 50, trips: 2, rttMs: quick ? 100 : 2000 })],
  lasts: ({ trips, rttMs }) => ((trips + 1) * rttMs) / 1e3,
  target: () => ({ figure: 'roundTrips', atMost: 3.5, text: 'at most 3.5 round trips in all' }),
  setUp: ({ level, encoding, rttMs }) => ({ level, encoding, simulators: [simulatorOf({ rttMs })] }),
  measure: async (lab, bed, { streams, trips, rttMs }) => {
    const meter = await startMeter(bed);
    const { seconds, timesMs, problems } = await lab.application.call(
      'page',
      { way: wayTo(lab, bed), firstId: lab.takeIds(streams), streams, trips, bytes: EXCHANGE_BYTES, timeoutMs: 60_000 },
      120_000,
    );
    const figures = { seconds, roundTrips: (seconds * 1e3) / rttMs, ...distribution('latencyMs', timesMs) };
    return { figures: { ...figures, ...(await meter(streams * trips * EXCHANGE_BYTES * 2)) }, problems };
  },
});
