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
