import { chart, element, label, legendRows, series, WIDTH } from './markup.js';
import { decades, linear, ticks, tickText } from './scale.js';

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

/** As wide as a figure of the vertical axis. */
const LEFT = 48;
const RIGHT = 14;
const PLOT = 165;
/** Least distance of two labels of the horizontal axis. */
const LABEL_WIDTH = 54;

/** Lines over a common pair of axes, named above. */
export function lineChart(title: string, lines: Line[], options: LineOptions): string {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y));
  // One line is named by its card.
  const legend = lines.length > 1 ? legendRows(lines, 10) : { marks: [], bottom: 0 };
  const top = legend.bottom + 24;
  const bottom = top + PLOT;
  const yTicks = ticks(options.yHighest ?? Math.max(...ys));
  const xTicks = options.logX ? decades(Math.min(...xs), Math.max(...xs)) : ticks(Math.max(...xs));
  const marks = options.xLabels ?? xTicks.map((x) => [x, tickText(x)] as const);
  const position = options.logX ? Math.log10 : (x: number): number => x;
  const first = options.xLabels ? Math.min(...xs) : (xTicks[0] ?? 0);
  const last = options.xLabels ? Math.max(...xs) : (xTicks.at(-1) ?? 1);
  const x = linear([position(first), position(last)], [LEFT, WIDTH - RIGHT]);
  const y = linear([0, yTicks.at(-1) ?? 1], [bottom, top]);
  const at = (value: number): number => x(position(options.logX ? Math.max(value, first) : value));
  const grid = yTicks.flatMap((value) => [
    element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: 'grid' }),
    label(LEFT - 7, y(value) + 4, tickText(value), { 'text-anchor': 'end', class: 'tick' }),
  ]);
  const every = Math.max(1, Math.ceil((marks.length * LABEL_WIDTH) / (WIDTH - LEFT - RIGHT)));
  const below = marks.flatMap(([value, text], i) => {
    // The last one always stands; the others as often as there is room.
    if (options.xLabels && (marks.length - 1 - i) % every > 0) return [];
    // It would hang over the edge if it were centred.
    const anchor = i === marks.length - 1 && marks.length > 1 ? 'end' : 'middle';
    return [label(at(value) + (anchor === 'end' ? 8 : 0), bottom + 16, text, { 'text-anchor': anchor, class: 'tick' })];
  });
  // The first is ours, and lies above the others.
  const drawn = lines.toReversed().flatMap(({ points, series: index }) => {
    const path = points.map(([px, py]) => `${at(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
    const dots = options.dots
      ? points.map(([px, py]) => element('circle', { cx: at(px), cy: y(py), r: 3.2, class: series(index) }))
      : [];
    return [element('polyline', { points: path, class: `line ${series(index)}` })].concat(dots);
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
