import type { BenchFigures, BenchResult } from '@millrace/protocol';
import type { Progress } from '../run/run-scenario.js';
import { summarize } from '../run/summary.js';
import { paramsText, tableOf } from './table.js';

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

  /** What is measured. */
  get title(): string {
    return this.#last ? `${this.#last.scenario} ${paramsText(this.#last.params)}` : '';
  }

  /** Cells: the heading, and a row for each subject: how far it is, and the medians of its runs so far. */
  cells(): string[][] {
    if (!this.#last) return [];
    const { scenario, params } = this.#last;
    const rows = [...this.#rows];
    const results = rows.map(([subject, { runs, latest, problems }]): BenchResult => {
      const counted = runs.length > 0 ? runs : [latest];
      const figures = { runs: counted, ...summarize(counted) };
      return { scenario, subject, params, ...figures, verified: problems.length === 0, problems };
    });
    const [head = [], ...table] = tableOf(results);
    // Scenario and parameters stand in the title.
    return [
      ['subject', 'so far', ...head.slice(2, -1)],
      ...table.map((cells, i) => {
        const { where = '', problems = [] } = rows[i]?.[1] ?? {};
        return [cells[1] ?? '', problems.length > 0 ? `WRONG, ${where}` : where].concat(cells.slice(2, -1));
      }),
    ];
  }
}
