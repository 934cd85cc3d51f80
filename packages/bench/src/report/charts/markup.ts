import { linear, ticks, tickText } from './scale.js';

/** Width of every chart: as wide as its card in three columns, and on a telephone. */
export const WIDTH = 400;
/** Height of a row of bars: its name, and below it the bar. */
export const ROW = 37;
/** Room for the figure behind the longest bar. */
const RIGHT = 56;
/** Width of a character, about. */
const CHARACTER = 6.4;

/** Text made safe for HTML and SVG, in contents and in quoted attributes. */
export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** An element with attributes and children; numbers are cut to two decimals to keep the file small. */
export function element(name: string, attributes: Record<string, string | number>, ...children: string[]): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? Number(value.toFixed(2)) : escape(value)}"`,
  );
  return `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

/** A label in a chart. */
export const label = (x: number, y: number, text: string, attributes: Record<string, string | number> = {}): string =>
  element('text', { x, y, ...attributes }, escape(text));

/** A whole chart: scales with its place, and says to readers of screens what it shows. */
export function chart(
  options: { width: number; height: number; title: string; kind: string },
  ...children: string[]
): string {
  const { width, height, title, kind } = options;
  return element(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title, class: `chart ${kind}`, width, height },
    element('title', {}, escape(title)),
    ...children,
  );
}

/** Class of the n-th subject or part; the colours are in the style sheet, for light and dark. */
export const series = (index: number): string => `s${index % 8}`;

/** The axis of horizontal bars, from 0 to at least `highest`, with its grid from `top` to `bottom`. */
export function axisOf(highest: number, top: number, bottom: number): { x: (value: number) => number; grid: string[] } {
  const steps = ticks(highest);
  const x = linear([0, steps.at(-1) ?? 1], [4, WIDTH - RIGHT]);
  const grid = steps.flatMap((value, i) => [
    element('line', { x1: x(value), x2: x(value), y1: top, y2: bottom, class: 'grid' }),
    label(i === 0 ? 0 : x(value), bottom + 14, tickText(value), {
      'text-anchor': i === 0 ? 'start' : 'middle',
      class: 'tick',
    }),
  ]);
  return { x, grid };
}

/** Name of a row above its bar, cut to what fits. */
export function rowLabel(top: number, name: string): string {
  const most = Math.floor((WIDTH - 8) / CHARACTER);
  const text = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  return label(4, top + 12, text, { class: 'name' });
}

/** A label with its middle at `x`, or as near to that as the chart has room. */
export function clampedLabel(x: number, y: number, text: string, kind: string): string {
  const half = (text.length * CHARACTER) / 2;
  const at = Math.max(half, Math.min(WIDTH - half, x));
  return label(at, y, text, { 'text-anchor': 'middle', class: kind });
}

/** Names with their colours in as many rows as they need, the first of them at `y`. */
export function legendRows(
  entries: Array<{ name: string; series: number }>,
  y: number,
): { marks: string[]; bottom: number } {
  let x = 4;
  let row = y;
  const marks = entries.flatMap(({ name, series: index }) => {
    const width = 30 + name.length * CHARACTER;
    if (x + width > WIDTH && x > 4) {
      x = 4;
      row += 17;
    }
    const at = x;
    x += width;
    return [
      element('rect', { x: at, y: row - 8, width: 14, height: 8, rx: 2, class: series(index) }),
      label(at + 19, row, name, { class: 'tick' }),
    ];
  });
  return { marks, bottom: row };
}
