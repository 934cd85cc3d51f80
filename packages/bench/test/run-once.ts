import type { BenchParams } from '@millrace/protocol';
import type { BedContext } from '../src/bed/types.js';
import type { Measurement, Scenario } from '../src/scenarios/scenario.js';

/** One run of a scenario of workers and of what it is held against, with its notes. */
export async function runOnce(
  context: BedContext,
  scenario: Scenario,
  params: BenchParams,
): Promise<{ own: Measurement; beside?: Measurement; notes: string[] }> {
  if (scenario.kind !== 'worker') throw new Error('not a scenario of a worker');
  const open = await scenario.open(context, params);
  try {
    const own = await open.measure(params);
    const beside = await open.baseline?.measure(own.figures, params);
    const compared = beside && open.baseline?.compare(own.figures, beside.figures);
    return {
      own: { ...own, figures: { ...own.figures, ...compared } },
      ...(beside && { beside }),
      notes: open.notes?.() ?? [],
    };
  } finally {
    await open.close();
  }
}
