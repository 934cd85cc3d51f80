import { failureBody, type Failure } from './failure.js';
import { NOT_FOUND_PAGE } from './not-found-page.js';
import type { RelayAnswer } from './types.js';

/** The plain 404 page. */
export function notFound(): RelayAnswer {
  return { status: 404, contentType: 'text/html; charset=utf-8', body: NOT_FOUND_PAGE, cancel: nothing };
}

/** A failure, inside the body. */
export function failed(failure: Failure): RelayAnswer {
  return { status: 200, contentType: 'application/json', body: failureBody(failure), failure, cancel: nothing };
}

/** An error that the node wrote itself, though under another status. */
export function ownError(text: string): RelayAnswer {
  return { status: 200, contentType: 'application/json', body: text, cancel: nothing };
}

/** More exchanges run than may; nothing of this one was passed on. */
export function busy(): RelayAnswer {
  return failed({ code: 'RELAY_QUOTA_RATE', message: 'the relay is busy: it runs as many exchanges as it may' });
}

function nothing(): void {}
