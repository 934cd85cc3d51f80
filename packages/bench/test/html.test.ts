import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findProgram } from '@millrace/testkit';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { htmlReport } from '../src/report/html.js';
import { sampleReport } from './sample-report.js';

const found = findProgram('chromium');
/** Charts of the first scenario: what is to be reached comes before them. */
const SPEED = 'svg.bars >> nth=1';
const RATIOS = 'svg.bars >> nth=2';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(found.path === undefined)(
  `the HTML report in Chromium${found.missing ? ` (${found.missing})` : ''}`,
  () => {
    let browser: Browser;
    let page: Page;
    let folder = '';
    const requests: string[] = [];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-report-'));
      const file = join(folder, 'report.html');
      const earlier = [sampleReport('2026-01-01T00:00:00.000Z', 41), sampleReport('2026-01-15T00:00:00.000Z', 52)];
      await writeFile(file, htmlReport(sampleReport(), earlier));
      browser = await chromium.launch({ executablePath: found.path!, args: FLAGS });
      page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(file).href);
    });
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** Boxes of all drawn elements of a kind, in pixels of the page. */
    const boxes = (selector: string): Promise<Array<{ x: number; y: number; width: number; height: number }>> =>
      page.locator(selector).evaluateAll((elements) =>
        elements.map((element) => {
          const { x, y, width, height } = element.getBoundingClientRect();
          return { x, y, width, height };
        }),
      );

    test('asks the network for nothing', () => {
      expect(requests).toHaveLength(1);
    });

    test('draws bars whose lengths are in the ratio of the figures', async () => {
      const [ours, base, floor, ssh] = await boxes(`${SPEED} >> rect.bar`);
      expect(ours!.width / floor!.width).toBeCloseTo(60 / 146, 2);
      expect(base!.width / ours!.width).toBeCloseTo(0.9, 2);
      expect(ssh!.width / floor!.width).toBeCloseTo(95 / 146, 2);
    });

    test('draws every run as a dot, and the target where half of the floor is', async () => {
      expect(await boxes(`${SPEED} >> circle.dot`)).toHaveLength(20);
      const [line] = await boxes(`${SPEED} >> line.target`);
      const [, , floor] = await boxes(`${SPEED} >> rect.bar`);
      expect(line!.x).toBeCloseTo(floor!.x + floor!.width / 2, 0);
    });

    test('draws what is to be reached as a mark across each bar of ours', async () => {
      const chart = '#udp-batch svg.bars >> nth=0';
      const [bar] = await boxes(`${chart} >> rect.bar`);
      const [mark] = await boxes(`${chart} >> line.bound`);
      expect((mark!.x - bar!.x) / bar!.width).toBeCloseTo(0.125 / 0.04, 0);
      expect(mark!.y).toBeLessThan(bar!.y);
      expect(mark!.y + mark!.height).toBeGreaterThan(bar!.y + bar!.height);
    });

    test('draws what a packet costs, and an eighth of the baseline as the target', async () => {
      const chart = '#udp-batch svg.bars >> nth=1';
      const [ours, dgram] = await boxes(`${chart} >> rect.bar`);
      expect(ours!.width / dgram!.width).toBeCloseTo(160 / 4000, 2);
      const [line] = await boxes(`${chart} >> line.target`);
      expect(line!.x).toBeCloseTo(dgram!.x + dgram!.width / 8, 0);
      expect(await page.locator('#udp-batch').innerText()).toContain('0.04×');
    });

    test('draws the CPU of both ends of a UDP session, the checker apart', async () => {
      expect(await boxes('#udp-pipeline svg.stacks rect.bar')).toHaveLength(2 * 3);
      expect(await page.locator('#udp-pipeline svg.stacks').innerHTML()).toContain('checker');
    });

    test('draws ours as a multiple of each other subject', async () => {
      const [base, floor] = await boxes(`${RATIOS} >> rect.bar`);
      expect(floor!.width / base!.width).toBeCloseTo(60 / 146 / (60 / 54), 2);
      const [line] = await boxes(`${RATIOS} >> line.target`);
      expect(line!.x).toBeCloseTo(base!.x + base!.width * 0.9, 0);
    });

    test('draws throughput over time, distributions and history as lines inside their charts', async () => {
      const charts = await boxes('svg.lines');
      // Of the first scenario, of the UDP session, and the history of all three.
      expect(charts).toHaveLength(2 + 2 + 3);
      for (const [i, chart] of charts.entries()) {
        const lines = await boxes(`svg.lines >> nth=${i} >> polyline`);
        expect(lines.length).toBe([4, 4, 2, 2][i] ?? 1);
        for (const line of lines) {
          expect(line.width).toBeGreaterThan(chart.width * 0.3);
          expect(line.x).toBeGreaterThanOrEqual(chart.x);
          expect(line.x + line.width).toBeLessThanOrEqual(chart.x + chart.width + 1);
          expect(line.y + line.height).toBeLessThanOrEqual(chart.y + chart.height);
        }
      }
    });

    test('draws the CPU of each process as parts that follow each other', async () => {
      const parts = (await boxes('svg.stacks >> nth=0 >> rect.bar')).slice(0, 5);
      parts.slice(1).forEach((part, i) => expect(part.x).toBeGreaterThanOrEqual(parts[i]!.x + parts[i]!.width));
    });

    test('shows what is to be known beside the figures', async () => {
      expect(await page.locator('ul.notes li').allTextContents()).toEqual(['base: this tree does not know level']);
    });

    test('keeps every label inside its chart, and charts apart', async () => {
      const outside = await page.locator('svg.chart').evaluateAll((charts) =>
        charts.flatMap((chart) => {
          const box = chart.getBoundingClientRect();
          return [...chart.querySelectorAll('text')]
            .filter((text) => {
              const { left, right, top, bottom } = text.getBoundingClientRect();
              return left < box.left - 1 || right > box.right + 1 || top < box.top - 1 || bottom > box.bottom + 1;
            })
            .map((text) => text.textContent);
        }),
      );
      expect(outside).toEqual([]);
      const cards = await boxes('figure');
      for (const [i, a] of cards.entries()) {
        for (const b of cards.slice(i + 1)) {
          expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(
            true,
          );
        }
      }
    });

    test('writes no label of an axis over another one', async () => {
      const covered = await page.locator('svg.chart').evaluateAll((charts) =>
        charts.flatMap((chart) => {
          const labels = [...chart.querySelectorAll('text.tick')].map((text) => ({
            text: text.textContent,
            box: text.getBoundingClientRect(),
          }));
          return labels.flatMap(({ text, box }, i) =>
            labels
              .slice(i + 1)
              .filter(({ box: other }) => {
                const apart = box.right <= other.left || other.right <= box.left;
                // Lines of text are allowed to touch.
                return !apart && box.bottom - 3 > other.top && other.bottom - 3 > box.top;
              })
              .map((other) => `${text} / ${other.text}`),
          );
        }),
      );
      expect(covered).toEqual([]);
    });

    test('says what was not reached, what is missing and where it ran, as text and not as markup', async () => {
      const text = await page.locator('main').innerText();
      expect(text).toContain('not reached');
      expect(text).toContain('apt-get install -y haproxy');
      expect(text).toContain('Sample CPU <of the test>');
    });

    test.each(['light', 'dark'] as const)('is readable in %s: text stands out from its ground', async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      const contrast = await page.locator('html').evaluate((root) => {
        const page = root.ownerDocument;
        const styleOf = (selector: string) => page.defaultView!.getComputedStyle(page.querySelector(selector)!);
        const canvas = page.createElement('canvas').getContext('2d')!;
        const luminance = (colour: string): number => {
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
          const [r = 0, g = 0, b = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = 0.05 + luminance(styleOf('figure').backgroundColor);
        const of = (selector: string, name: 'fill' | 'color'): number => {
          const ink = 0.05 + luminance(styleOf(selector)[name]);
          return Math.max(ink, ground) / Math.min(ink, ground);
        };
        return {
          text: Math.min(
            of('svg text.name', 'fill'),
            of('svg .tick', 'fill'),
            of('td', 'color'),
            of('figcaption', 'color'),
          ),
          bars: Math.min(of('rect.s0', 'fill'), of('rect.s1', 'fill'), of('rect.s2', 'fill'), of('rect.s3', 'fill')),
        };
      });
      expect(contrast.text).toBeGreaterThan(4.5);
      expect(contrast.bars).toBeGreaterThan(2.5);
    });

    test('needs no sideways scrolling on a telephone, and labels are not too small there', async () => {
      await page.setViewportSize({ width: 390, height: 800 });
      expect(await page.locator('html').evaluate((root) => root.scrollWidth)).toBeLessThanOrEqual(390);
      // Charts are scaled as a whole: letters of 11 units become so many pixels.
      const scale = await page
        .locator('svg.chart')
        .evaluateAll((charts) =>
          Math.min(...charts.map((chart) => chart.getBoundingClientRect().width / Number(chart.getAttribute('width')))),
        );
      expect(11 * scale).toBeGreaterThan(9);
    });

    test('holds no address of the network in its text', async () => {
      expect(await readFile(join(folder, 'report.html'), 'utf8')).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    });
  },
);
