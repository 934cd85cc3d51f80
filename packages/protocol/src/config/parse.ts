import { ProtocolError } from '../errors.js';
import * as validators from '../gen/validators.js';
import type { DoctorConfig, MillraceConfig, NodeConfig, RelayConfig, UpConfig } from '../spec/config.js';
import { parseHostPort } from '../host-port.js';
import { explain, nearest, pathText, unknownKey } from './explain.js';
import { parseForward } from './forward.js';
import { copyPlain } from './plain.js';
import type { Resolved } from './resolved.js';

/**
 * Checks a configuration file's JSON. Nothing is filled in, so that flags can be laid over it before a section is resolved.
 * Throws CONFIG_INVALID or CONFIG_UNKNOWN_KEY with the path.
 */
export function parseConfig(value: unknown): MillraceConfig {
  const config = copyPlain(value);
  const unknown = unknownKey(config, undefined, '');
  if (unknown !== undefined) throw unknown;
  if (!validators.config(config)) throw explain(validators.config.errors![0]!, config, undefined, '');
  return config as MillraceConfig;
}

/** `millrace up`, or a tunnel's options: fully defaulted and checked. `path` is printed before the names of keys. Throws CONFIG_*. */
export function resolveUp(section: UpConfig, path = ''): Resolved<UpConfig> {
  const up = resolve<UpConfig>('up', section, path);
  for (const key of ['socks', 'http'] as const) checkAddress(up[key], pathText(path, [key]), 'may be empty');
  up.forward.forEach((text, index) => parseForward(text, pathText(path, ['forward', String(index)])));
  up.relays.forEach((relay, index) => {
    checkUrl(relay.url, pathText(path, ['relays', String(index), 'url']));
    const connectTo = pathText(path, ['relays', String(index), 'connectTo']);
    if (relay.connectTo !== undefined) parseHostPort(relay.connectTo, { name: connectTo, minPort: 1 });
  });
  const names = up.accounts.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`${pathText(path, ['accounts'])} names ${JSON.stringify(twice)} twice`);
  up.relays.forEach(({ account }, index) => {
    // Where none is described, a name alone says which relays belong together.
    if (account === undefined || names.length === 0 || names.includes(account)) return;
    const place = pathText(path, ['relays', String(index), 'account']);
    throw invalid(`${place} is ${JSON.stringify(account)}, and there is no such account; ${nearest(account, names)}`);
  });
  return up;
}

/** What only `millrace doctor` asks for: fully defaulted and checked. Throws CONFIG_*. */
export function resolveDoctor(section: DoctorConfig, path = ''): Resolved<DoctorConfig> {
  const doctor = resolve<DoctorConfig>('doctor', section, path);
  const check = (text: string, ...steps: string[]) => parseHostPort(text, { name: pathText(path, steps), minPort: 1 });
  doctor.target.forEach((text, index) => check(text, 'target', String(index)));
  if (doctor.ipv6Target !== '') check(doctor.ipv6Target, 'ipv6Target');
  return doctor;
}

/** `millrace node`: fully defaulted and checked. Throws CONFIG_*. */
export function resolveNode(section: NodeConfig, path = ''): Resolved<NodeConfig> {
  const node = resolve<NodeConfig>('node', section, path);
  checkAddress(node.listen, pathText(path, ['listen']));
  checkAddress(node.admin, pathText(path, ['admin']), 'may be empty');
  const { tlsCertFile, tlsKeyFile } = node;
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
    const there = tlsCertFile === undefined ? 'tlsKeyFile' : 'tlsCertFile';
    throw invalid(`${pathText(path, [there])} needs ${there === 'tlsKeyFile' ? 'tlsCertFile' : 'tlsKeyFile'}`);
  }
  return node;
}

/** `millrace relay`: fully defaulted and checked. Throws CONFIG_*. */
export function resolveRelay(section: RelayConfig, path = ''): Resolved<RelayConfig> {
  const relay = resolve<RelayConfig>('relay', section, path);
  checkAddress(relay.listen, pathText(path, ['listen']));
  if (relay.node !== undefined) checkUrl(relay.node, pathText(path, ['node']));
  return relay;
}

const SECTIONS = {
  up: validators.upSection,
  doctor: validators.doctorSection,
  node: validators.nodeSection,
  relay: validators.relaySection,
};

function resolve<T extends object>(name: keyof typeof SECTIONS, section: T, path: string): Resolved<T> {
  const copy = copyPlain(section);
  const unknown = unknownKey(copy, name, path);
  if (unknown !== undefined) throw unknown;
  const validator = SECTIONS[name];
  if (!validator(copy)) throw explain(validator.errors![0]!, copy, name, path);
  return copy as Resolved<T>;
}

const invalid = (message: string): ProtocolError => new ProtocolError('CONFIG_INVALID', message);

function checkAddress(text: string, name: string, empty?: 'may be empty'): void {
  if (text !== '' || empty === undefined) parseHostPort(text, { name });
}

/** The address may hold a token: it is not shown. */
function checkUrl(text: string, name: string): void {
  if (!/^https?:\/\/[^/\s?#@]/i.test(text)) throw invalid(`${name} must be an http: or https: address`);
}
