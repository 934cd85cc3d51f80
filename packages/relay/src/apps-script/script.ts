// The relay as an Apps Script. Bundled into a template by scripts/generate-apps-script.mjs, together with the pure part of
// the forwarder; nothing in this package imports it. It can use neither Node nor the web's classes.
import { failureOfStart, failureOfStatus, formOf, isErrorBody } from '../core/classify.js';
import { contentTypeOf } from '../core/content-type.js';
import { failureBody, type Failure } from '../core/failure.js';
import { NOT_FOUND_PAGE } from '../core/not-found-page.js';
import { sameToken } from '../core/token.js';
import { failureOfException } from './exceptions.js';

/** Characters of one request. The platform takes 50 MB for a request and for an answer. */
const MAX_CHARACTERS = 50_000_000;

/** Called by the platform for each POST. */
export function doPost(event: WebAppEvent): TextOutput {
  if (!sameToken(event.parameter['token'], MILLRACE_TOKEN)) return doGet();
  const body = event.postData === undefined ? '' : event.postData.contents;
  const impossible = failureOfRequest(body);
  return textOutput(impossible === undefined ? forward(body) : failureBody(impossible));
}

/** Called by the platform for whatever is not a POST: nothing to see. The platform fixes the status at 200. */
export function doGet(): TextOutput {
  return ContentService.createTextOutput(NOT_FOUND_PAGE);
}

/** What the node's answer looks like to the client. */
function forward(body: string): string {
  let status: number;
  let text: string;
  try {
    const response = UrlFetchApp.fetch(MILLRACE_NODE, {
      method: 'post',
      contentType: contentTypeOf(formOf(body.charCodeAt(0)) === 'json' ? 'json' : 'text'),
      payload: body,
      muteHttpExceptions: true,
      followRedirects: false,
    });
    status = response.getResponseCode();
    text = response.getContentText('UTF-8');
  } catch (error) {
    return failureBody(failureOfException(String(error)));
  }
  if (status !== 200) return isErrorBody(text) ? text : failureBody(failureOfStatus(status));
  const failure = failureOfAnswer(text);
  return failure === undefined ? text : failureBody(failure);
}

function failureOfRequest(body: string): Failure | undefined {
  if (body === '') return { code: 'BODY_EMPTY', message: 'the request reached the relay without a body' };
  if (body.length > MAX_CHARACTERS) {
    return { code: 'BODY_TOO_LARGE', message: 'the request is larger than the relay carries' };
  }
  const form = formOf(body.charCodeAt(0));
  // Bytes were lost before they got here: what stands in `contents` is not what was sent.
  if (form !== 'json' && form !== 'text') {
    return { code: 'RELAY_TEXT_ONLY', message: 'an Apps Script relay carries text only, and this body is not text' };
  }
  return undefined;
}

function failureOfAnswer(text: string): Failure | undefined {
  if (text === '') return { code: 'RELAY_EMPTY', message: "the node's address answered an empty body" };
  const form = formOf(text.charCodeAt(0));
  if (form === undefined) return failureOfStart(text.charCodeAt(0));
  return form === 'bytes'
    ? { code: 'RELAY_BODY', message: 'the node answered bytes, which an Apps Script relay cannot carry' }
    : undefined;
}

function textOutput(text: string): TextOutput {
  const { JSON: json, TEXT: plain } = ContentService.MimeType;
  return ContentService.createTextOutput(text).setMimeType(formOf(text.charCodeAt(0)) === 'json' ? json : plain);
}
