/** A request that a script made by `UrlFetchApp`, and what came of it. */
export interface ScriptFetch {
  readonly url: string;
  readonly method: string;
  readonly contentType: string;
  readonly payload: Buffer;
  /** Absent where the fetch threw. */
  readonly status?: number;
  readonly response: Buffer;
  /** What the fetch threw. */
  readonly error?: string;
}

/** One run of `doPost` or `doGet`. */
export interface ScriptExecution {
  /** Counts executions from 0. */
  readonly index: number;
  /** The request's body, as it came. */
  readonly received: Buffer;
  /** Query of the request, without the question mark. */
  readonly queryString: string;
  readonly fetches: readonly ScriptFetch[];
  /** Text that the script answered; absent where it failed. */
  readonly output?: string;
  /** Why it failed; the platform shows that as an HTML page with status 200. */
  readonly error?: string;
}

export interface SimulatedAppsScriptOptions {
  /** Script properties (`PropertiesService.getScriptProperties`), kept over executions. */
  properties?: Readonly<Record<string, string>>;
  /** Executions at once, 30 by default as on the platform; more get its error page. */
  maxExecutions?: number;
  /** Makes fetches throw: returns the message of the exception, such as a quota message, for those that shall fail. */
  failFetch?: (request: { readonly index: number; readonly url: string }) => string | undefined;
  /** Whether `executions` keeps bodies, true by default. Turn it off to move many bytes. */
  recordBodies?: boolean;
}

/** A deployed web app, as far as a caller can tell. */
export interface SimulatedAppsScript {
  /** Address of the deployment (`…/exec`). It answers by a 302 to another host, which serves the text once, by GET. */
  readonly url: string;
  /** Executions that have ended, in order of their end. */
  readonly executions: readonly ScriptExecution[];
  /** The ended execution with this number, from 0, now or when it comes. */
  execution(index: number): Promise<ScriptExecution>;
  close(): Promise<void>;
}
