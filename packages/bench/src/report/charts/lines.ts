import { short } from '../table.js';
import { chart, element, label, series } from './markup.js';
import { decades, linear, ticks } from './scale.js';

/** One line. */
export interface Line {
  name: string;
  points: Array<readonly [x: number, y: number]>;
  series: number;
}

/** What the axes say. */
export interface LineOptions {
  xUnit: string;
  yUnit: string;
  /** Powers of ten on the horizontal axis, for what has a long tail. */
  logX?: boolean;
  /** Marks every point. */
  dots?: boolean;
  /** Labels of the horizontal axis instead of numbers. */
  xLabels?: Array<readonly [x: number, text: string]>;
  yHighest?: number;
}

const WIDTH = 560;
/** As wide as the longest unit. */
const LEFT = 64;
const RIGHT = 16;
const TOP = 26;
const HEIGHT = 200;
const LEGEND_ROW = 16;

/** Lines over a common pair of axes, named above. */
export function lineChart(title: string, lines: Line[], options: LineOptions): string {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const legend = legendOf(lines);
  const top = TOP + legend.height;
  const bottom = HEIGHT + legend.height;
  const yTicks = ticks(options.yHighest ?? Math.max(...ys));
  const xTicks = options.logX ? decades(Math.min(...xs), Math.max(...xs)) : ticks(Math.max(...xs));
  const marks = options.xLabels ?? xTicks.map((x) => [x, short(x) || '0'] as const);
  const position = options.logX ? Math.log10 : (x: number): number => x;
  const first = options.xLabels ? Math.min(...xs) : (xTicks[0] ?? 0);
  const last = options.xLabels ? Math.max(...xs) : (xTicks.at(-1) ?? 1);
  const x = linear([position(first), position(last)], [LEFT, WIDTH - RIGHT]);
  const y = linear([0, yTicks.at(-1) ?? 1], [bottom, top]);
  const at = (value: number): number => x(position(options.logX ? Math.max(value, first) : value));
  const grid = yTicks.flatMap((value) => [
    element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: 'grid' }),
    label(LEFT - 7, y(value) + 4, short(value) || '0', { 'text-anchor': 'end', class: 'tick' }),
  ]);
  const below = marks.map(([value, text], i) => {
    // The last label would hang over the edge if it were centred.
    const anchor = i === marks.length - 1 ? 'end' : 'middle';
    return label(at(value) + (anchor === 'end' ? 8 : 0), bottom + 16, text, { 'text-anchor': anchor, class: 'tick' });
  });
  const drawn = lines.flatMap(({ points, series: index }) => {
    const path = points.map(([px, py]) => `${at(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
    const dots = options.dots
      ? points.map(([px, py]) => element('circle', { cx: at(px), cy: y(py), r: 3.2, class: series(index) }))
      : [];
    return [element('polyline', { points: path, class: `line ${series(index)}` }), ...dots];
  });
  const units = [
    label(0, top - 10, options.yUnit, { 'text-anchor': 'start', class: 'tick unit' }),
    label(WIDTH - RIGHT, bottom + 30, options.xUnit, { 'text-anchor': 'end', class: 'tick unit' }),
  ];
  return chart(
    { width: WIDTH, height: bottom + 36, title, kind: 'lines' },
    ...grid,
    ...below,
    ...drawn,
    ...legend.marks,
    ...units,
  );
}

/** Names of the lines above the chart, in as many rows as they need; `height` is what rows beyond the first take. */
function legendOf(lines: Line[]): { marks: string[]; height: number } {
  let x = LEFT;
  let row = 0;
  const marks = lines.flatMap(({ name, series: index }) => {
    const width = 30 + name.length * 7;
    if (x + width > WIDTH - RIGHT && x > LEFT) {
      x = LEFT;
      row++;
    }
    const at = x;
    x += width;
    const y = 6 + row * LEGEND_ROW;
    return [
      element('rect', { x: at, y, width: 14, height: 4, rx: 2, class: series(index) }),
      label(at + 19, y + 6, name, { class: 'tick' }),
    ];
  });
  return { marks, height: row * LEGEND_ROW };
}
