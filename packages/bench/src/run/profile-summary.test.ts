import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { busyText, costs, ProfileReader, within, type CpuProfile } from './profile-summary.js';

const frame = (functionName: string, url = '', lineNumber = 9) => ({ functionName, url, lineNumber, columnNumber: 0 });

/** A profile that was idle for 5 ms, in `hot` for 3 ms and in a function without a name for 1 ms. */
function profileOf(url: string, lineNumber = 9): CpuProfile {
  const frames = [frame('(idle)'), frame('hot', url, lineNumber), frame('')];
  const nodes = frames.map((callFrame, id) => ({ id, callFrame }));
  return { nodes, samples: [0, 1, 1, 2], timeDeltas: [5000, 2000, 1000, 1000], startTime: 7_000_000 };
}

/** All of its time: it begins at 7 s of the clock. */
const ALL = [{ subject: 'millrace', startMs: 7000, endMs: 7009 }];

test('what lies outside the times that were measured does not count', () => {
  const spans = [
    { startMs: 7006, endMs: 7007 },
    { startMs: 7008.5, endMs: 7020 },
  ];
  expect(within(profileOf(''), spans)).toMatchObject({ samples: [1, 2], timeDeltas: [2000, 1000] });
  expect(within(profileOf(''), ALL).samples).toEqual([0, 1, 1, 2]);
});

test('functions are ranked by their own time, without idle time', () => {
  const lines = costs(profileOf('file:///a/b/c.js'));
  expect(lines).toEqual(['   75.0 %        3 ms  hot b/c.js:10', '   25.0 %        1 ms  (anonymous)']);
});

test('what a process did not work it waited', () => {
  expect(busyText(profileOf(''))).toBe('busy 44 % of 0.0 s');
});

test('each profile of a folder is told once, with places in the sources of its bundle', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-profiles-'));
  try {
    await writeFile(join(folder, 'source.ts'), '// One line before it.\nexport function hot() {\n  return 1;\n}\n');
    const outfile = join(folder, 'bundle.js');
    await build({
      entryPoints: [join(folder, 'source.ts')],
      outfile,
      format: 'esm',
      sourcemap: 'linked',
      logLevel: 'silent',
    });
    const at = (await readFile(outfile, 'utf8')).split('\n').findIndex((line) => line.includes('function hot'));
    const profile = JSON.stringify(profileOf(pathToFileURL(outfile).href, at));
    await writeFile(join(folder, 'client-1.cpuprofile'), profile);
    const reader = new ProfileReader(folder);
    const [text = ''] = await reader.next(ALL);
    expect(text).toMatch(/^client-1.cpuprofile: busy 44 % of 0.0 s\n/);
    expect(text).toContain('hot ');
    expect(text).toMatch(/source\.ts:2$/m);
    expect(await reader.next(ALL)).toEqual([]);
    await writeFile(join(folder, 'node-2.cpuprofile'), profile);
    const base = { subject: 'plain pipe', startMs: 7006, endMs: 7009 };
    expect(await reader.next([base, ...ALL])).toHaveLength(1);
    // Only what lies in the runs of its own subject counts.
    await writeFile(join(folder, 'direct_plain_pipe-pipe-3.cpuprofile'), profile);
    expect((await reader.next([base, ...ALL])).join()).toContain('busy 100 % of 0.0 s');
    const summary = await readFile(join(folder, 'summary.txt'), 'utf8');
    expect(summary.match(/busy/g)).toHaveLength(3);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('without a folder there is nothing to tell', async () => {
  expect(await new ProfileReader(undefined).next(ALL)).toEqual([]);
});
