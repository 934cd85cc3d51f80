export { htmlReport } from './report/html.js';
export { pageOf } from './report/docs.js';
export { readReports, reportText, writeJson } from './report/files.js';
export { BenchError, type BenchErrorCode } from './errors.js';
export { parseOptions, type BenchOptions } from './run/options.js';
export { runBench, type Display } from './run/run-bench.js';
export { scenarios } from './scenarios/index.js';
export type {
  Baseline,
  Measurement,
  Scenario,
  SizeOptions,
  TunnelScenario,
  WorkerScenario,
} from './scenarios/scenario.js';
