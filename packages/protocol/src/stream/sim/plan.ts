import type { PathOptions } from '../options.js';
import { KIND_FLOW, KIND_STREAM } from '../packet.js';
import type { StreamPlan } from './application.js';
import { LossyLink, OrderedLink, RelayLink, type Link } from './links.js';
import type { Random } from './random.js';
import type { World } from './world.js';

/** How much further streams move, when a run met too few faults. */
export const MORE_BYTES = { upBytes: 10_000, downBytes: 20_000 };

/** Two or three links of the kind that the seed asks for, one of them thirty times slower in one run of four. */
export function makeLinks(world: World, seed: number): Link[] {
  const { random } = world;
  const kind = (['paired', 'ordered', 'lossy'] as const).at(seed % 3)!;
  const faultRate = random.between(0.08, 0.3);
  const base = random.pick([2, 20, 100, 300]);
  const slowRelay = random.chance(0.25);
  const relay = (id: string, slow: boolean) => {
    const options: PathOptions = {
      paired: true,
      maxRequestBytes: random.pick([4096, 16_384, 65_536]),
      maxResponseBytes: random.pick([4096, 16_384, 65_536]),
      holdMs: random.pick([0, 2000, 15_000]),
      concurrency: random.pick([1, 2, 4, 8]),
    };
    return new RelayLink({ id, options, delayMs: slow ? base * 30 : base, faultRate, slow }, world);
  };
  const unpaired = (id: string) => {
    const ordered = kind === 'ordered';
    const options: PathOptions = {
      paired: false,
      ordered,
      maxRequestBytes: ordered ? 16_384 : random.pick([1200, 4000, 8000]),
    };
    const shape = { id, options, delayMs: base, faultRate, slow: false };
    return ordered ? new OrderedLink(shape, world) : new LossyLink(shape, world);
  };
  if (kind === 'paired') {
    const links = [relay('relay-a', false), relay('relay-b', slowRelay)];
    if (random.chance(0.3)) links.push(relay('relay-c', false));
    return links;
  }
  return random.chance(0.5) ? [unpaired('way-a'), relay('relay-b', slowRelay)] : [unpaired('way-a'), unpaired('way-b')];
}

/** Three streams or more that end in all the ways there are, and sometimes a flow. */
export function makePlans(random: Random): StreamPlan[] {
  const plans: StreamPlan[] = [];
  const count = random.int(3, 6);
  for (let index = 0; index < count; index++) {
    // The first two are left to run to their end, so that enough is moved.
    const upright = index < 2;
    const dialCode = upright || random.chance(0.85) ? '' : 'DIAL_REFUSED';
    plans.push({
      kind: KIND_STREAM,
      upBytes: upright ? random.int(50_000, 80_000) : random.pick([0, 1, 500, random.int(1, 60_000)]),
      downBytes: upright ? random.int(50_000, 80_000) : random.pick([0, 1, 500, random.int(1, 60_000)]),
      waits: random.pick(['client', 'node', 'nobody']),
      resets: upright || dialCode !== '' ? 'nobody' : random.pick(['client', 'node', 'nobody', 'nobody']),
      resetAfterBytes: random.int(1, 20_000),
      slow: random.pick(['client', 'node', 'nobody', 'nobody']),
      dialCode,
      dialMs: random.pick([0, 5, 100, 2000]),
    });
  }
  if (random.chance(0.4)) {
    plans.push({
      kind: KIND_FLOW,
      upBytes: 0,
      downBytes: 0,
      waits: 'nobody',
      resets: 'client',
      resetAfterBytes: 0,
      slow: 'nobody',
      dialCode: '',
      dialMs: random.pick([0, 50]),
    });
  }
  return plans;
}
