/** One HTTP request on one connection, with a bounded answer. */
import { AnswerBody } from './answer-body.js';
import type { Connection } from './connection.js';
import type { HttpAnswer, Progress } from './classify.js';
import { CLIENT_LIMITS } from '../../limits.js';

/** What to send. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  readonly body: Uint8Array | undefined;
  /** Of the body. Default `application/json`. */
  readonly contentType?: string | undefined;
  /** Most bytes of a 200 answer; of others only the first page is read. */
  readonly maxBytes: number;
  /** Asked before memory is taken for a 200 answer. */
  readonly admits?: ((bytes: number) => boolean) | undefined;
  /** Gives memory for a 200 answer whose length is told. Default: new memory. */
  readonly memory?: ((bytes: number) => Uint8Array) | undefined;
}

/** How a request ended that has no whole answer. */
export type RequestEnd =
  | { readonly end: 'answered'; readonly answer: HttpAnswer }
  | { readonly end: 'broken'; readonly error: unknown; readonly progress: Progress }
  | { readonly end: 'too-large' };

/** A request under way. */
export interface RunningRequest {
  readonly ended: Promise<RequestEnd>;
  readonly progress: Progress;
  /** Breaks it off, and the connection with it. */
  abort(reason: Error): void;
}

/** Hears of the request. */
export interface RequestHooks {
  /** It was handed to the system. */
  readonly onSent: () => void;
  /** Bytes came. */
  readonly onBytes: () => void;
}

const JSON_TYPE = 'application/json';

/** Sends a request on a connection that was taken for it. `ended` never rejects. */
export function startRequest(connection: Connection, request: HttpRequest, hooks: RequestHooks): RunningRequest {
  let progress: Progress = 'not-sent';
  let abort: ((reason: Error) => void) | undefined;
  let aborted: Error | undefined;
  const ended = new Promise<RequestEnd>((resolve) => {
    let body = new AnswerBody(CLIENT_LIMITS.maxPageBytes);
    let head: Omit<HttpAnswer, 'body'> | undefined;
    const answered = (): void => {
      if (head !== undefined) resolve({ end: 'answered', answer: { ...head, body: body.join() } });
    };
    connection.client.dispatch(
      {
        method: request.method,
        path: request.path,
        ...(request.body === undefined
          ? {}
          : { body: request.body, headers: { 'content-type': request.contentType ?? JSON_TYPE, accept: '*/*' } }),
        blocking: false,
      },
      {
        onRequestStart: (controller) => {
          if (aborted !== undefined) {
            controller.abort(aborted);
            return;
          }
          abort = (reason) => controller.abort(reason);
          progress = 'sent';
          hooks.onSent();
        },
        onResponseStart: (_controller, status, headers) => {
          hooks.onBytes();
          if (status < 200) return;
          progress = 'answering';
          head = { status, headers };
          if (status !== 200) return;
          body = new AnswerBody(request.maxBytes, request.admits, request.memory);
          body.expect(headers['content-length']);
        },
        onResponseData: (controller, chunk) => {
          hooks.onBytes();
          if (body.add(chunk)) return;
          if (head?.status === 200) {
            resolve({ end: 'too-large' });
            controller.abort(new Error('too large'));
          } else {
            // Enough of the page to say what it is. The rest is not worth the connection.
            answered();
            controller.abort(new Error('enough'));
          }
        },
        onResponseEnd: answered,
        onResponseError: (_controller, error) => resolve({ end: 'broken', error, progress }),
      },
    );
  });
  return {
    ended,
    get progress() {
      return progress;
    },
    abort: (reason) => {
      aborted = reason;
      abort?.(reason);
    },
  };
}
