import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { readAll } from '../read-all.js';

/** A request as the script's `UrlFetchApp` hands it over. */
export interface FetchRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly payload?: Uint8Array;
  readonly followRedirects: boolean;
}

/** What goes back to the script: an answer, or the message of the exception that the platform throws. */
export type FetchReply =
  | {
      readonly status: number;
      readonly origin: string;
      readonly headers: Readonly<Record<string, string | string[]>>;
      readonly body: Uint8Array;
      readonly error?: undefined;
    }
  | { readonly error: string };

/** Redirects that `UrlFetchApp` follows before it gives up. */
const MAX_REDIRECTS = 10;

/** Makes the requests of scripts. Failures become the exceptions' words of the platform. */
export class UrlFetcher {
  readonly #agents = { 'http:': new Agent({ keepAlive: true }), 'https:': new TlsAgent({ keepAlive: true }) };

  async fetch(request: FetchRequest): Promise<FetchReply> {
    try {
      return await this.#follow(request);
    } catch (error) {
      return { error: exceptionText(request.url, error as NodeJS.ErrnoException) };
    }
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #follow(request: FetchRequest): Promise<FetchReply> {
    let { url, method, payload } = request;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const reply = await this.#send(new URL(url), method, payload, request);
      const status = reply.statusCode ?? 0;
      const { location } = reply.headers;
      if (!request.followRedirects || location === undefined || ![301, 302, 303, 307, 308].includes(status)) {
        const headers = reply.headers as Record<string, string | string[]>;
        return { status, origin: new URL(url).origin, headers: { ...headers }, body: await readAll(reply) };
      }
      reply.resume();
      url = new URL(location, url).href;
      if (status < 307) {
        method = 'GET';
        payload = undefined;
      }
    }
    return { error: `Exceeded maximum redirects: ${request.url}` };
  }

  #send(
    url: URL,
    method: string,
    payload: Uint8Array | undefined,
    { headers, contentType }: FetchRequest,
  ): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:';
    if (!secure && url.protocol !== 'http:') throw new Error('Invalid argument');
    const length = payload === undefined ? {} : { 'content-length': payload.length };
    const type = payload === undefined || contentType === undefined ? {} : { 'content-type': contentType };
    return new Promise((resolve, reject) => {
      const out = (secure ? httpsRequest : httpRequest)(
        url,
        {
          method,
          headers: { ...headers, ...type, ...length },
          agent: this.#agents[secure ? 'https:' : 'http:'],
        },
        resolve,
      );
      out.once('error', reject);
      out.end(payload);
    });
  }
}

function exceptionText(url: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `DNS error: ${url}`;
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `Address unavailable: ${url}`;
    case 'ETIMEDOUT':
      return `Timeout: ${url}`;
    case 'ERR_INVALID_URL':
      return `Invalid argument: ${url}`;
    default:
      return `Unexpected error: ${url}`;
  }
}
