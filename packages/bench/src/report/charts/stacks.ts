import { short } from '../table.js';
import { axisOf, chart, element, label, legendRows, ROW, rowLabel, series, WIDTH } from './markup.js';

/** One stacked bar. */
export interface Stack {
  name: string;
  parts: Array<{ name: string; value: number; series: number }>;
}

/** Horizontal bars made of parts, with a legend. */
export function stackChart(title: string, stacks: Stack[], unit: string): string {
  const total = ({ parts }: Stack): number => parts.reduce((sum, { value }) => sum + value, 0);
  const bottom = 2 + stacks.length * ROW;
  const { x, grid } = axisOf(Math.max(...stacks.map(total)), 2, bottom);
  const rows = stacks.flatMap((stack, i) => {
    const top = 2 + i * ROW;
    let from = 0;
    const parts = stack.parts.map((part) => {
      const at = from;
      from += part.value;
      // A gap of one unit keeps neighbours apart where colours cannot be told.
      const width = Math.max(0, x(from) - x(at) - 1);
      const tip = element('title', {}, `${part.name}: ${short(part.value)} ${unit}`);
      return element('rect', { x: x(at), y: top + 16, width, height: 14, class: `bar ${series(part.series)}` }, tip);
    });
    return [rowLabel(top, stack.name), ...parts, label(x(from) + 8, top + 27, short(from) || '0', { class: 'value' })];
  });
  const named = new Map(stacks.flatMap(({ parts }) => parts.map((part) => [part.name, part.series] as const)));
  const legend = legendRows(
    [...named].map(([name, index]) => ({ name, series: index })),
    bottom + 28,
  );
  return chart({ width: WIDTH, height: legend.bottom + 6, title, kind: 'stacks' }, ...grid, ...rows, ...legend.marks);
}
