import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '@millrace/protocol';

const PAGE = Buffer.from(
  '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n</body>\r\n</html>\r\n',
);

/**
 * Every refusal, whatever its cause: the same status, headers and page, without a date, and the connection ends. Who does
 * not have the key learns nothing from it, not even that there is one.
 */
const HEADERS: ReadonlyArray<readonly [string, string]> = [
  ['Content-Type', 'text/html'],
  ['Content-Length', String(PAGE.length)],
  ['Connection', 'close'],
];

/** Refuses a request. */
export function refuse(response: ServerResponse): void {
  response.sendDate = false;
  response.writeHead(404, 'Not Found', HEADERS.flat());
  response.end(PAGE);
}

/** Refuses what is not even a request, in the same bytes. */
export function refuseRaw(socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const head = HEADERS.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 404 Not Found\r\n${head}\r\n`), PAGE]), () => socket.destroy());
}

/** Refuses a request and says why, which only the option `diagnose` allows. Status 200, so that relays hand it on. */
export function refuseOpenly(response: ServerResponse, code: ErrorCode, message: string): void {
  const body = Buffer.from(JSON.stringify({ e: message, code }));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length, Connection: 'close' });
  response.end(body);
}
