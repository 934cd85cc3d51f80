import { expect, test } from 'vitest';
import { costs } from './profile-summary.js';

const frame = (functionName: string, url = ''): { functionName: string; url: string; lineNumber: number } => ({
  functionName,
  url,
  lineNumber: 9,
});

test('functions are ranked by their own time, without idle time', () => {
  const nodes = [frame('(idle)'), frame('hot', 'file:///a/b/c.js'), frame('')].map((callFrame, id) => ({
    id,
    callFrame,
  }));
  const lines = costs({ nodes, samples: [0, 1, 1, 2], timeDeltas: [5000, 2000, 1000, 1000] });
  expect(lines).toEqual(['   75.0 %        3 ms  hot b/c.js:10', '   25.0 %        1 ms  (anonymous)']);
});
