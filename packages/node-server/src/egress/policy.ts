import { NodeError } from '../errors.js';
import type { Address } from './address.js';
import { type Host, parseHost } from './host.js';
import type { OwnAddresses } from './own-addresses.js';

/** The rules that an operator sets. */
export interface PolicyRules {
  allowPrivate: boolean;
  /** Empty allows all. */
  allowPorts: readonly number[];
  denyPorts: readonly number[];
  /** `example.org`, or `.example.org` for it and everything below. Empty allows all. Addresses may stand here too. */
  allowNames: readonly string[];
  denyNames: readonly string[];
}

/**
 * Who may be reached. Asked twice: about host and port as the client wrote them, and about each address that is dialled or
 * sent to, after the name was resolved. Only the second protects the node; the first is for the operator's lists.
 */
export class EgressPolicy {
  readonly #allowPrivate: boolean;
  readonly #allowPorts: ReadonlySet<number>;
  readonly #denyPorts: ReadonlySet<number>;
  readonly #allowNames: readonly NameRule[];
  readonly #denyNames: readonly NameRule[];
  readonly #own: OwnAddresses;

  /** @throws NodeError `CONFIG_INVALID` for a name rule that is no name. */
  constructor(rules: PolicyRules, own: OwnAddresses) {
    this.#allowPrivate = rules.allowPrivate;
    this.#allowPorts = new Set(rules.allowPorts);
    this.#denyPorts = new Set(rules.denyPorts);
    this.#allowNames = rules.allowNames.map((text) => nameRule('allowNames', text));
    this.#denyNames = rules.denyNames.map((text) => nameRule('denyNames', text));
    this.#own = own;
  }

  /** @throws NodeError `POLICY_DENIED` when the lists deny host or port. */
  checkTarget(host: Host, port: number): void {
    if (this.#denyPorts.has(port) || (this.#allowPorts.size > 0 && !this.#allowPorts.has(port))) {
      throw denied('this port');
    }
    const name = 'name' in host ? host.name : host.address.text;
    if (this.#denyNames.some((rule) => rule(name))) throw denied('this name');
    if (this.#allowNames.length > 0 && !this.#allowNames.some((rule) => rule(name))) throw denied('this name');
  }

  /** @throws NodeError `POLICY_DENIED` when the address must not be reached, at this port or at all. */
  checkAddress(address: Address, port: number): void {
    if (address.reach === 'never') throw denied('this address');
    const own = address.readings.some((reading) => this.#own.isOwn(reading));
    if (!this.#allowPrivate && (address.reach === 'private' || own)) throw denied('private addresses and its own');
    // All of 127/8 is this machine, whatever its interfaces list.
    const here = own || address.readings.some((reading) => reading.startsWith('127.') || reading === '::1');
    if (here && this.#own.isListening(port)) throw denied("the node's own listeners");
  }
}

type NameRule = (name: string) => boolean;

/** A rule in the spelling that {@link parseHost} gives names. */
function nameRule(option: string, text: string): NameRule {
  const below = text.startsWith('.');
  const name = normalName(below ? text.slice(1) : text);
  if (name === undefined) {
    const allowed = 'give example.org, or .example.org with everything below it';
    throw new NodeError('CONFIG_INVALID', `${option}: ${JSON.stringify(text)} is no name; ${allowed}`);
  }
  return (asked) => asked === name || (below && asked.endsWith(`.${name}`));
}

function normalName(text: string): string | undefined {
  try {
    const host = parseHost(text);
    return 'name' in host ? host.name : host.address.text;
  } catch {
    return undefined;
  }
}

const denied = (what: string): NodeError => new NodeError('POLICY_DENIED', `the egress policy denies ${what}`);
