import type { BenchFigures, BenchResult } from '@millrace/protocol';
import type { Progress } from '../run/run-scenario.js';
import { summarize } from '../run/summary.js';
import { tableOf } from './table.js';

/** One subject so far. */
interface Row {
  runs: BenchFigures[];
  latest: BenchFigures;
  problems: string[];
  /** How far it is. */
  where: string;
}

/** The table of the variant that is measured now: each subject with its figures so far. */
export class LiveTable {
  #variant = '';
  #rows = new Map<string, Row>();
  #last: Progress | undefined;

  /** Takes what happened; another scenario, or other parameters, begin a new table. */
  add(progress: Progress): void {
    const { scenario, params, subject, run, of, figures, problems } = progress;
    const variant = `${scenario} ${JSON.stringify(params)}`;
    if (variant !== this.#variant) this.clear();
    this.#variant = variant;
    this.#last = progress;
    const row = this.#rows.get(subject) ?? { runs: [], latest: figures, problems: [], where: '' };
    if (run > 0) row.runs.push(figures);
    row.latest = figures;
    row.problems.push(...problems);
    row.where = run === 0 ? 'warm-up' : `run ${run} of ${of}`;
    this.#rows.set(subject, row);
  }

  clear(): void {
    this.#rows.clear();
    this.#last = undefined;
  }

  /** Cells: the heading, and a row for each subject, with the median of its runs so far in the place of the result. */
  cells(): string[][] {
    if (!this.#last) return [];
    const { scenario, params } = this.#last;
    const rows = [...this.#rows];
    const results = rows.map(([subject, { runs, latest, problems }]): BenchResult => {
      const counted = runs.length > 0 ? runs : [latest];
      return {
        scenario,
        subject,
        params,
        runs: counted,
        ...summarize(counted),
        verified: problems.length === 0,
        problems,
      };
    });
    const [head = [], ...table] = tableOf(results);
    return [
      head,
      ...table.map((cells, i) => {
        const { where = '', problems = [] } = rows[i]?.[1] ?? {};
        return [...cells.slice(0, -1), problems.length > 0 ? `WRONG, ${where}` : where];
      }),
    ];
  }
}
