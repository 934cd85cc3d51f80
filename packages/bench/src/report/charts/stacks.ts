import { short } from '../table.js';
import { chart, element, label, series } from './markup.js';
import { linear, ticks } from './scale.js';

/** One stacked bar. */
export interface Stack {
  name: string;
  parts: Array<{ name: string; value: number; series: number }>;
}

const LEFT = 118;
const RIGHT = 74;
const ROW = 30;
const WIDTH = 560;

/** Horizontal bars made of parts, with a legend. */
export function stackChart(title: string, stacks: Stack[], unit: string): string {
  const total = ({ parts }: Stack): number => parts.reduce((sum, { value }) => sum + value, 0);
  const steps = ticks(Math.max(...stacks.map(total)));
  const x = linear([0, steps.at(-1) ?? 1], [LEFT, WIDTH - RIGHT]);
  const bottom = stacks.length * ROW + 8;
  const grid = steps.flatMap((value) => [
    element('line', { x1: x(value), x2: x(value), y1: 4, y2: bottom, class: 'grid' }),
    label(x(value), bottom + 14, short(value) || '0', { 'text-anchor': 'middle', class: 'tick' }),
  ]);
  const rows = stacks.flatMap((stack, i) => {
    const y = i * ROW + 8;
    let from = 0;
    const parts = stack.parts.map((part) => {
      const at = from;
      from += part.value;
      // A gap of one unit keeps neighbours apart where colours cannot be told.
      const width = Math.max(0, x(from) - x(at) - 1);
      const tip = element('title', {}, `${part.name}: ${short(part.value)} ${unit}`);
      return element('rect', { x: x(at), y, width, height: 20, class: `bar ${series(part.series)}` }, tip);
    });
    const sum = label(x(from) + 8, y + 15, short(from), { class: 'value' });
    return [label(LEFT - 10, y + 15, stack.name, { 'text-anchor': 'end', class: 'name' }), ...parts, sum];
  });
  const named = new Map(stacks.flatMap(({ parts }) => parts.map((part) => [part.name, part.series] as const)));
  let legendX = LEFT;
  let legendY = bottom + 34;
  const legend = [...named].flatMap(([name, index]) => {
    const width = 26 + name.length * 7;
    if (legendX + width > WIDTH) {
      legendX = LEFT;
      legendY += 18;
    }
    const at = legendX;
    legendX += width;
    return [
      element('rect', { x: at, y: legendY - 9, width: 10, height: 10, rx: 2, class: series(index) }),
      label(at + 15, legendY, name, { class: 'tick' }),
    ];
  });
  const unitText = label(WIDTH - 4, bottom + 14, unit, { 'text-anchor': 'end', class: 'tick unit' });
  return chart({ width: WIDTH, height: legendY + 8, title, kind: 'stacks' }, ...grid, ...rows, unitText, ...legend);
}
