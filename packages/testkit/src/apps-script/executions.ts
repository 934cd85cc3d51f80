/* oxlint-disable unicorn/require-post-message-target-origin -- ports of worker threads have no origin */
import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { FetchReply, FetchRequest } from './url-fetch.js';

/** The worker is plain JavaScript beside `src` and `dist`, so the same address holds from both. */
const WORKER = new URL('../../worker/apps-script-worker.js', import.meta.url);

/** What a run ends with. */
export type RunResult =
  | { readonly text: string; readonly mimeType: string; readonly error?: undefined }
  | { readonly error: string; readonly text?: undefined; readonly mimeType?: undefined };

type WorkerResult = RunResult & { readonly properties: ReadonlyArray<[string, string]> };
type Fetch = (request: FetchRequest) => Promise<FetchReply>;

interface Runner {
  readonly worker: Worker;
  readonly fetchPort: MessagePort;
  readonly wake: Int32Array;
}

/** Runs executions of one script at the same time, each on a thread of its own, since a fetch blocks its thread. */
export class Executions {
  readonly #source: string;
  readonly #maxExecutions: number;
  readonly #idle: Runner[] = [];
  readonly #all = new Set<Runner>();
  #properties: ReadonlyArray<[string, string]>;

  constructor(source: string, maxExecutions: number, properties: Readonly<Record<string, string>>) {
    this.#source = source;
    this.#maxExecutions = maxExecutions;
    this.#properties = Object.entries(properties);
  }

  /** Runs one handler, or returns undefined when as many run already as may. */
  async run(handler: 'doGet' | 'doPost', event: object, fetch: Fetch): Promise<RunResult | undefined> {
    const runner = this.#idle.pop() ?? this.#start();
    if (runner === undefined) return undefined;
    const onFetch = (requests: FetchRequest[]): void => void answerFetches(runner, requests, fetch);
    runner.fetchPort.on('message', onFetch);
    try {
      const ended = once(runner.worker, 'message') as Promise<[WorkerResult]>;
      runner.worker.postMessage({ handler, event, properties: this.#properties });
      const [result] = await ended;
      this.#properties = result.properties;
      return result;
    } finally {
      runner.fetchPort.off('message', onFetch);
      this.#idle.push(runner);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
  }

  #start(): Runner | undefined {
    if (this.#all.size >= this.#maxExecutions) return undefined;
    const { port1, port2 } = new MessageChannel();
    const shared = new SharedArrayBuffer(4);
    const worker = new Worker(WORKER, {
      workerData: { source: this.#source, fetchPort: port2, wake: shared },
      transferList: [port2],
    });
    const runner = { worker, fetchPort: port1, wake: new Int32Array(shared) };
    this.#all.add(runner);
    return runner;
  }
}

async function answerFetches(runner: Runner, requests: FetchRequest[], fetch: Fetch): Promise<void> {
  const replies = await Promise.all(requests.map((request) => fetch(request)));
  runner.fetchPort.postMessage(replies);
  Atomics.store(runner.wake, 0, 1);
  Atomics.notify(runner.wake, 0);
}
