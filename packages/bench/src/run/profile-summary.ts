import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The parts of a V8 CPU profile that matter here. */
export interface CpuProfile {
  nodes: Array<{
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
  }>;
  samples: number[];
  /** Microseconds between samples. */
  timeDeltas: number[];
  /** When it began, in microseconds of the machine's monotonic clock. */
  startTime: number;
}

/** A time that is measured, in milliseconds of the same clock. */
export interface Span {
  startMs: number;
  endMs: number;
}

type CallFrame = CpuProfile['nodes'][number]['callFrame'];
/** Where a function stands in its source. */
export type Locate = (frame: CallFrame) => string;

const SHOWN = 10;
/** What V8 calls time that nothing of ours took. */
const NOT_WORK = new Set(['(idle)', '(root)']);
const SUMMARY_FILE = 'summary.txt';

/** A text as it stands in the name of a profile. */
export const fileName = (text: string): string => text.replaceAll(/[^\w.-]+/g, '_');

/** Reads the profiles of a folder as processes end and leave them there. */
export class ProfileReader {
  readonly #folder: string | undefined;
  readonly #told = new Set<string>();
  #made = false;
  #text = '';

  /** Without a folder there are none. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /**
   * What took most of the CPU in each profile that has come since the last call, while something was measured: starting, and
   * warming up, are left out, and so are the runs of other subjects where a profile has the name of one. All of it stands in `summary.txt` beside them. Call it while the bundles that were profiled
   * are there: their maps tell where functions stand.
   */
  async next(spans: ReadonlyArray<Span & { subject: string }>): Promise<string[]> {
    const folder = this.#folder;
    if (folder === undefined) return [];
    if (!this.#made) await mkdir(folder, { recursive: true });
    this.#made = true;
    const names = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile') && !this.#told.has(name));
    const locate = locator();
    const texts: string[] = [];
    for (const name of names.sort()) {
      this.#told.add(name);
      const own = spans.filter(({ subject }) => name.includes(`_${fileName(subject)}-`));
      const whole = JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile;
      const profile = within(whole, own.length > 0 ? own : spans);
      texts.push([`${name}: ${busyText(profile)}`, ...costs(profile, await locate(profile))].join('\n'));
    }
    this.#text += texts.map((text) => `${text}\n\n`).join('');
    await writeFile(join(folder, SUMMARY_FILE), this.#text);
    return texts;
  }
}

/** What of a profile lies within the given times. */
export function within(profile: CpuProfile, spans: readonly Span[]): CpuProfile {
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  let atUs = profile.startTime;
  profile.samples.forEach((id, i) => {
    const deltaUs = profile.timeDeltas[i] ?? 0;
    atUs += deltaUs;
    if (!spans.some(({ startMs, endMs }) => atUs >= startMs * 1e3 && atUs <= endMs * 1e3)) return;
    samples.push(id);
    timeDeltas.push(deltaUs);
  });
  return { ...profile, samples, timeDeltas };
}

/** How much of that time a process worked: what is not busy waits for something else. */
export function busyText({ nodes, samples, timeDeltas }: CpuProfile): string {
  const idle = new Set(nodes.filter(({ callFrame }) => NOT_WORK.has(callFrame.functionName)).map(({ id }) => id));
  let all = 0;
  let busy = 0;
  samples.forEach((id, i) => {
    all += timeDeltas[i] ?? 0;
    if (!idle.has(id)) busy += timeDeltas[i] ?? 0;
  });
  return `busy ${((busy / Math.max(1, all)) * 100).toFixed(0)} % of ${(all / 1e6).toFixed(1)} s`;
}

/** The functions that took most time themselves, with their share of the time that was not idle. */
export function costs({ nodes, samples, timeDeltas }: CpuProfile, locate: Locate = ownPlace): string[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byName = new Map<string, number>();
  let total = 0;
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    if (!frame || NOT_WORK.has(frame.functionName)) return;
    const name = `${frame.functionName || '(anonymous)'} ${locate(frame)}`.trim();
    byName.set(name, (byName.get(name) ?? 0) + (timeDeltas[i] ?? 0));
    total += timeDeltas[i] ?? 0;
  });
  return [...byName]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(
      ([name, us]) =>
        `  ${((us / total) * 100).toFixed(1).padStart(5)} %  ${(us / 1e3).toFixed(0).padStart(7)} ms  ${name}`,
    );
}

const lastTwo = (path: string): string => path.split('/').slice(-2).join('/');

function ownPlace({ url, lineNumber }: CallFrame): string {
  return url === '' ? '' : `${lastTwo(url)}:${lineNumber + 1}`;
}

/** Finds places in the sources of bundles by their maps, each of which is read once. */
function locator(): (profile: CpuProfile) => Promise<Locate> {
  const maps = new Map<string, SourceMap | undefined>();
  return async ({ nodes }) => {
    for (const { url } of nodes.map(({ callFrame }) => callFrame)) {
      if (url.startsWith('file:') && !maps.has(url)) maps.set(url, await mapOf(fileURLToPath(url)));
    }
    return (frame) => {
      const entry = maps.get(frame.url)?.findEntry(frame.lineNumber, frame.columnNumber);
      if (!entry || !('originalSource' in entry)) return ownPlace(frame);
      return `${lastTwo(entry.originalSource)}:${entry.originalLine + 1}`;
    };
  };
}

async function mapOf(file: string): Promise<SourceMap | undefined> {
  const text = await readFile(`${file}.map`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : new SourceMap(JSON.parse(text) as SourceMapPayload);
}
