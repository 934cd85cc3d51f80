import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Arrivals } from '../arrivals.js';
import { answer, answerHtml, cut } from '../fault-relay/answer.js';
import { QUOTA_MESSAGES, scriptErrorPage, statusPage } from '../fault-relay/pages.js';
import { listenLocally } from '../listen.js';
import { readAll } from '../read-all.js';
import { Executions } from './executions.js';
import type { ScriptExecution, ScriptFetch, SimulatedAppsScript, SimulatedAppsScriptOptions } from './types.js';
import { UrlFetcher, type FetchReply, type FetchRequest } from './url-fetch.js';

/** Executions at once of one user. https://developers.google.com/apps-script/guides/services/quotas */
const DEFAULT_MAX_EXECUTIONS = 30;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  JSON: 'application/json; charset=utf-8',
  TEXT: 'text/plain; charset=utf-8',
  XML: 'application/xml; charset=utf-8',
  CSV: 'text/csv; charset=utf-8',
};

interface Output {
  readonly text: string;
  readonly contentType: string;
}

/**
 * Deploys the text of an Apps Script file as a web app on loopback. As on the platform: a body reaches `doPost` as text
 * (bytes that are not UTF-8 become U+FFFD), request headers do not reach it, its text comes by a 302 from another host,
 * once; a failed run is an HTML page with status 200.
 */
export async function simulateAppsScript(
  source: string,
  options: SimulatedAppsScriptOptions = {},
): Promise<SimulatedAppsScript> {
  const arrivals = new Arrivals<ScriptExecution>('execution');
  const executions = new Executions(source, options.maxExecutions ?? DEFAULT_MAX_EXECUTIONS, options.properties ?? {});
  const fetcher = new UrlFetcher();
  const outputs = new Map<string, Output>();
  let runs = 0;
  let fetches = 0;

  const content = await listenLocally((request, response) => {
    const output = outputs.get(request.url ?? '');
    if (request.method !== 'GET') answerHtml(response, 405, statusPage(405));
    else if (output === undefined) answerHtml(response, 404, statusPage(404));
    else {
      outputs.delete(request.url ?? '');
      answer(response, 200, output.contentType, output.text);
    }
  });

  async function fetchFor(record: ScriptFetch[], request: FetchRequest): Promise<FetchReply> {
    const failure = options.failFetch?.({ index: fetches++, url: request.url });
    const reply = failure === undefined ? await fetcher.fetch(request) : { error: failure };
    record.push({
      url: request.url,
      method: request.method,
      contentType: request.contentType ?? '',
      payload: kept(Buffer.from(request.payload ?? [])),
      response: kept('body' in reply ? Buffer.from(reply.body) : Buffer.alloc(0)),
      ...('status' in reply ? { status: reply.status } : { error: reply.error }),
    });
    return reply;
  }

  const kept = (body: Buffer): Buffer => (options.recordBodies === false ? Buffer.alloc(0) : body);

  async function execute(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://script.invalid');
    const index = runs++;
    const received = await readAll(request);
    const record: ScriptFetch[] = [];
    const handler = request.method === 'POST' ? 'doPost' : 'doGet';
    const event = createEvent(url, request.method === 'POST' ? received : undefined, request.headers['content-type']);
    const result = await executions.run(handler, event, (fetch) => fetchFor(record, fetch));
    if (result === undefined) {
      answerHtml(response, 200, scriptErrorPage(QUOTA_MESSAGES.rate));
      return;
    }
    const ended = { index, received: kept(received), queryString: url.search.slice(1), fetches: record };
    if (result.error !== undefined) {
      arrivals.push({ ...ended, error: result.error });
      answerHtml(response, 200, scriptErrorPage(result.error));
      return;
    }
    arrivals.push({ ...ended, output: options.recordBodies === false ? '' : result.text });
    const path = `/macros/echo?user_content_key=${randomUUID()}`;
    outputs.set(path, { text: result.text, contentType: CONTENT_TYPES[result.mimeType] ?? CONTENT_TYPES['TEXT']! });
    answer(response, 302, 'text/html; charset=utf-8', '', { location: content.origin + path });
  }

  const entry = await listenLocally((request, response) => {
    execute(request, response).catch(() => cut(response));
  });

  return {
    url: `${entry.origin}/macros/s/simulated/exec`,
    get executions() {
      return arrivals.all;
    },
    execution: (index) => arrivals.at(index),
    async close() {
      arrivals.end();
      fetcher.close();
      await Promise.all([entry.close(), content.close(), executions.close()]);
    },
  };
}

/** The event object of a web app. https://developers.google.com/apps-script/guides/web */
function createEvent(url: URL, body: Buffer | undefined, contentType: string | undefined): object {
  const names = [...new Set(url.searchParams.keys())];
  const event = {
    queryString: url.search.slice(1),
    parameter: Object.fromEntries(names.map((name) => [name, url.searchParams.get(name)])),
    parameters: Object.fromEntries(names.map((name) => [name, url.searchParams.getAll(name)])),
    contextPath: '',
    contentLength: body?.length ?? -1,
  };
  if (body === undefined) return event;
  return {
    ...event,
    postData: {
      // Text, whatever was sent: this is where bytes are lost.
      contents: body.toString('utf8'),
      length: body.length,
      name: 'postData',
      type: contentType ?? 'application/octet-stream',
    },
  };
}
