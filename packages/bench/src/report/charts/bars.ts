import { short } from '../table.js';
import { axisOf, chart, clampedLabel, element, label, ROW, rowLabel, series, WIDTH } from './markup.js';

/** One bar: its value, each run as a dot. */
export interface Bar {
  name: string;
  value: number;
  runs: number[];
  /** Colour; by place when absent. */
  series?: number;
  /** What it is to reach: a mark across its row. */
  bounds?: number[];
}

/** Room for a line of text above the rows. */
const ABOVE = 18;

/** Horizontal bars that begin at 0, with every run as a dot, and a line where the target is. */
export function barChart(title: string, bars: Bar[], target?: { value: number; text: string }): string {
  const from = target ? ABOVE : 2;
  const bottom = from + bars.length * ROW;
  const highest = Math.max(...bars.flatMap(({ value, runs, bounds = [] }) => [value, ...runs, ...bounds]));
  const { x, grid } = axisOf(Math.max(highest, target?.value ?? 0), from, bottom);
  const rows = bars.flatMap(({ name, value, runs, series: colour, bounds = [] }, i) => {
    const top = from + i * ROW;
    const size = { y: top + 16, height: 14, rx: 3 };
    return [
      rowLabel(top, name),
      element('rect', { x: x(0), ...size, width: Math.max(0, x(value) - x(0)), class: `bar ${series(colour ?? i)}` }),
      ...runs.map((run) => element('circle', { cx: x(run), cy: top + 23, r: 2.6, class: 'dot' })),
      ...bounds.map((bound) =>
        element('line', { x1: x(bound), x2: x(bound), y1: top + 14, y2: top + 32, class: 'bound' }),
      ),
      label(Math.max(x(value), ...[...runs, ...bounds].map(x)) + 8, top + 27, short(value) || '0', { class: 'value' }),
    ];
  });
  const line = target
    ? [
        element('line', { x1: x(target.value), x2: x(target.value), y1: ABOVE - 3, y2: bottom, class: 'target' }),
        clampedLabel(x(target.value), ABOVE - 7, target.text, 'tick target-text'),
      ]
    : [];
  return chart({ width: WIDTH, height: bottom + 20, title, kind: 'bars' }, ...grid, ...line, ...rows);
}
