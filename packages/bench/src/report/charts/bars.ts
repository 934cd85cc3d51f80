import { short } from '../table.js';
import { chart, element, label, series } from './markup.js';
import { linear, ticks } from './scale.js';

/** One bar: its value, each run as a dot. */
export interface Bar {
  name: string;
  value: number;
  runs: number[];
  /** Colour; by place when absent. */
  series?: number;
}

const LEFT = 118;
const RIGHT = 74;
const ROW = 30;
const WIDTH = 560;

/** Horizontal bars that begin at 0, with every run as a dot, and a line where the target is. */
export function barChart(title: string, bars: Bar[], unit: string, target?: { value: number; text: string }): string {
  const steps = ticks(Math.max(...bars.flatMap(({ value, runs }) => [value, ...runs]), target?.value ?? 0));
  const x = linear([0, steps.at(-1) ?? 1], [LEFT, WIDTH - RIGHT]);
  const bottom = bars.length * ROW + 8;
  const grid = steps.flatMap((value) => [
    element('line', { x1: x(value), x2: x(value), y1: 4, y2: bottom, class: 'grid' }),
    label(x(value), bottom + 14, short(value) || '0', { 'text-anchor': 'middle', class: 'tick' }),
  ]);
  const top = (i: number): number => i * ROW + 8;
  const rects = bars.map(({ value, series: colour }, i) =>
    element('rect', {
      x: x(0),
      y: top(i),
      width: Math.max(0, x(value) - x(0)),
      height: 20,
      rx: 3,
      class: `bar ${series(colour ?? i)}`,
    }),
  );
  const texts = bars.flatMap(({ name, value, runs }, i) => [
    label(LEFT - 10, top(i) + 15, name, { 'text-anchor': 'end', class: 'name' }),
    ...runs.map((run) => element('circle', { cx: x(run), cy: top(i) + 10, r: 2.6, class: 'dot' })),
    label(Math.max(x(value), ...runs.map(x)) + 8, top(i) + 15, short(value), { class: 'value' }),
  ]);
  const line = target
    ? [
        element('line', { x1: x(target.value), x2: x(target.value), y1: 0, y2: bottom, class: 'target' }),
        label(x(target.value), bottom + 28, target.text, { 'text-anchor': 'middle', class: 'tick target-text' }),
      ]
    : [];
  const unitText = label(WIDTH - 4, bottom + 14, unit, { 'text-anchor': 'end', class: 'tick unit' });
  return chart(
    { width: WIDTH, height: bottom + (target ? 34 : 20), title, kind: 'bars' },
    ...grid,
    ...rects,
    ...line,
    ...texts,
    unitText,
  );
}
