import {
  ProtocolError,
  type DoctorConfig,
  type MillraceConfig,
  type NodeConfig,
  type RelayConfig,
  type UpConfig,
} from '@millrace/protocol';
import { resolveDoctor, resolveNode, resolveRelay, resolveUp, type Resolved } from '@millrace/protocol/config';
import { toCliError } from '../errors.js';

/** Values given on the command line, by the names of the configuration. */
export type Given = Readonly<Record<string, unknown>>;

/** The client's options: flags win over the file, the file over defaults. @throws CliError CONFIG_INVALID */
export function upSettings(file: MillraceConfig, given: Given): Resolved<UpConfig> {
  return located('up', () => resolveUp({ ...file.up, ...given }));
}

/** The node's options, in the same way. */
export function nodeSettings(file: MillraceConfig, given: Given): Resolved<NodeConfig> {
  return located('node', () => resolveNode({ ...file.node, ...given }));
}

/** The relay's options, in the same way. */
export function relaySettings(file: MillraceConfig, given: Given): Resolved<RelayConfig> {
  return located('relay', () => resolveRelay({ ...file.relay, ...given }));
}

/** The doctor's own options, in the same way. */
export function doctorSettings(file: MillraceConfig, given: Given): Resolved<DoctorConfig> {
  return located('doctor', () => resolveDoctor({ ...file.doctor, ...given }));
}

/** The configuration knows names, not where they were given: the section is what flags and file have in common. */
function located<T>(section: string, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    throw error instanceof ProtocolError ? toCliError(error, placeOf(section)) : error;
  }
}

/** Where an option may have been given. */
export function placeOf(section: string): string {
  return `the flags, or section "${section}" of the configuration file`;
}
