import { parseHostPort } from '@millrace/protocol';

/** Where a plain request goes. */
export interface RequestTarget {
  host: string;
  port: number;
  /** Path and query as they stood in the request: nothing is normalised on the way. */
  path: string;
  /** Value of the Host field. */
  authority: string;
}

/**
 * Takes an absolute-form request target apart (RFC 9112, section 3.2.2). User and password in it are dropped, as the
 * RFC 9110 asks of whoever receives them.
 * @returns undefined for other forms and other schemes than http.
 */
export function parseAbsoluteForm(url: string, method = 'GET'): RequestTarget | undefined {
  const match = /^http:\/\/([^/?#]+)([^#]*)/i.exec(url);
  if (!match) return undefined;
  const [, userAndAuthority = '', rest = ''] = match;
  const authority = userAndAuthority.slice(userAndAuthority.lastIndexOf('@') + 1);
  const address = parseAuthority(authority, 80);
  if (!address) return undefined;
  // An absolute-form without a path is `*` for OPTIONS (RFC 9112, section 3.2.4).
  const path = rest === '' ? (method === 'OPTIONS' ? '*' : '/') : rest.startsWith('/') ? rest : `/${rest}`;
  return { ...address, path, authority };
}

/** Takes the authority-form of CONNECT apart; the port has to be there. */
export function parseAuthorityForm(url: string): { host: string; port: number } | undefined {
  return parseAuthority(url, undefined);
}

function parseAuthority(
  authority: string,
  defaultPort: number | undefined,
): { host: string; port: number } | undefined {
  const hasPort = /:\d+$/.test(authority) && (!authority.startsWith('[') || authority.includes(']:'));
  const bare = authority.replace(/:$/, '');
  try {
    if (!hasPort && defaultPort === undefined) return undefined;
    const address = parseHostPort(hasPort ? authority : `${bare}:${defaultPort}`);
    return address.port === 0 || address.host === '' ? undefined : address;
  } catch {
    return undefined;
  }
}
