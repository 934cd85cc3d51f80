/** The words of the HTTP proxy, as whole answers for sockets and as parts for Node's responses. */
import { STATUS_CODES } from 'node:http';
import { ERROR_CODES } from '@millrace/protocol';
import type { TunnelError } from '../../errors.js';
import { failureFor } from './statuses.js';

/** A small text answer. */
export interface Page {
  status: number;
  headers: Array<[name: string, value: string]>;
  text: string;
}

/** Why a target could not be reached: code, what happened, what to do. */
export function failurePage(error: TunnelError): Page {
  const { status, type } = failureFor(error.code);
  const { next } = ERROR_CODES[error.code];
  return {
    status,
    headers: [['Proxy-Status', `millrace; error=${type}`]],
    text: `Millrace could not do this: ${error.code}\n\n${error.message}\n\nWhat to do: ${next}\n`,
  };
}

/** A request that cannot be served as it is. */
export function badRequestPage(why: string, status = 400): Page {
  return { status, headers: [], text: `This is the HTTP proxy of Millrace.\n\n${why}\n` };
}

/** RFC 9110, section 11.7.1. */
export const AUTH_PAGE: Page = {
  status: 407,
  headers: [['Proxy-Authenticate', 'Basic realm="millrace", charset="UTF-8"']],
  text: 'This proxy asks for a user and a password.\n',
};

/** For who opens the proxy's own address, as a browser does. */
export const OWN_PAGE = badRequestPage(
  `It is not a web site: set it as the HTTP proxy of a program, for http and for https.

    curl -x http://ADDRESS https://example.org/
    export http_proxy=http://ADDRESS https_proxy=http://ADDRESS

ADDRESS is the host and port that you have just opened.`,
);

/** For who speaks HTTP to the SOCKS5 port. */
export const OTHER_PROXY_PAGE = serialise({
  status: 400,
  headers: [],
  text: `This is the SOCKS5 proxy of Millrace, not an HTTP proxy.

Set it as a SOCKS5 proxy, with names resolved by the proxy:

    curl --socks5-hostname ADDRESS https://example.org/

or use the address of the HTTP proxy, which \`millrace up\` prints too.
`,
});

/** A whole answer that ends its connection. */
export function serialise({ status, headers, text }: Page): string {
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...pageHeaders({ status, headers, text }).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
    '',
    text,
  ].join('\r\n');
}

/** The headers of a page, without those that speak of its connection. */
export function pageHeaders({ headers, text }: Page): Array<[name: string, value: string]> {
  return [
    ...headers,
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(Buffer.byteLength(text))],
    ['Cache-Control', 'no-store'],
  ];
}
