import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';

/** `HTTP/1.1 200 OK` and line ends, or what stands there in a request beside method and path. */
const START_LINE_BYTES = 17;
/** Between name and value, and at the end of the line. */
const PER_HEADER_BYTES = 4;
/** `Date: …` and `Connection: keep-alive`, which the platform adds to an answer. */
const ADDED_BYTES = 37 + 24;

/** Size of the head of a message that came. */
export function receivedHeadBytes({ method, url, rawHeaders }: IncomingMessage): number {
  const fields = rawHeaders.reduce((sum, part) => sum + part.length, 0);
  // Answers have neither method nor address.
  const asked = (method?.length ?? 0) + (url?.length ?? 0);
  return START_LINE_BYTES + asked + fields + (rawHeaders.length / 2) * PER_HEADER_BYTES;
}

/** Size of the head of an answer that is sent. */
export function answerHeadBytes(headers: OutgoingHttpHeaders): number {
  return START_LINE_BYTES + ADDED_BYTES + fieldBytes(headers);
}

/** Size of the head of a request that is sent. */
export function requestHeadBytes(request: ClientRequest): number {
  return START_LINE_BYTES + request.method.length + request.path.length + fieldBytes(request.getHeaders());
}

function fieldBytes(headers: OutgoingHttpHeaders): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + String(value).length + PER_HEADER_BYTES,
    0,
  );
}
