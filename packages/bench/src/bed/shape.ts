import type { Link } from '../check/shaped-direction.js';
import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import type { ShaperVerbs } from '../workers/shaper.js';
import type { BedContext } from './types.js';

/** Puts a link before an `http:` address; gives the address to use instead. The process is added to `links`. */
export async function shape(context: BedContext, url: string, link: Link, links: Array<Child<Verbs>>): Promise<string> {
  const { hostname, port } = new URL(url);
  const shaper = await context.startHarness<ShaperVerbs>('shaper');
  links.push(shaper);
  const address = new URL(url);
  address.host = await shaper.call('start', { to: { host: hostname, port: Number(port) }, link });
  return address.href;
}
