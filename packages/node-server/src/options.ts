import { type EventHub, type MillraceEvent, type NodeConfig, ProtocolError } from '@millrace/protocol';
import { checkKey, resolveNode, type Resolved } from '@millrace/protocol/config';
import { type Lookup, systemLookup } from './egress/resolver.js';
import { NodeError } from './errors.js';

/** Configuration keys that name files. The caller reads the files and gives what is in them. */
type FileKeys = 'keyFile' | 'tlsCertFile' | 'tlsKeyFile';

/** Options of `startNode`. All but `key` have defaults; docs/CONFIG.md lists them with their ranges. */
export interface NodeOptions extends Omit<NodeConfig, FileKeys> {
  /** The access key that clients show. At least 22 random characters; `millrace keygen` makes one. */
  key: string;
  /** PEM certificate chain and private key: serves HTTPS instead of HTTP. */
  tls?: { cert: string | Buffer; key: string | Buffer };
  /** Resolves names instead of the system's resolver. What it answers is checked all the same. */
  lookup?: (name: string) => Promise<Array<{ address: string; family: 4 | 6 }>>;
  /** Hears every event of this node too. */
  events?: EventHub<MillraceEvent>;
}

/** Options with nothing left to default. */
export interface ResolvedOptions extends Resolved<Omit<NodeConfig, FileKeys>> {
  key: string;
  tls: { cert: string | Buffer; key: string | Buffer } | undefined;
  lookup: Lookup;
  events: EventHub<MillraceEvent> | undefined;
}

const FILE_KEYS: Readonly<Record<FileKeys, string>> = {
  keyFile: 'key',
  tlsCertFile: 'tls.cert',
  tlsKeyFile: 'tls.key',
};

/**
 * Fills in every default and checks every range.
 * @throws NodeError `KEY_MISSING`, `KEY_WEAK`, `CONFIG_INVALID`, `CONFIG_UNKNOWN_KEY`.
 */
export function resolveOptions(options: NodeOptions): ResolvedOptions {
  const { key, tls, lookup, events, ...section } = options;
  for (const [name, instead] of Object.entries(FILE_KEYS)) {
    if (name in section)
      throw new NodeError('CONFIG_UNKNOWN_KEY', `${name} is not an option here; read the file and give ${instead}`);
  }
  try {
    checkKey(key ?? '');
    return {
      ...resolveNode(section),
      key,
      tls: checkTls(tls),
      lookup: lookup ?? systemLookup,
      events,
    };
  } catch (error) {
    throw error instanceof ProtocolError ? new NodeError(error.code, error.message, { cause: error }) : error;
  }
}

function checkTls(tls: NodeOptions['tls']): ResolvedOptions['tls'] {
  if (tls === undefined) return undefined;
  const unknown = Object.keys(tls).find((name) => name !== 'cert' && name !== 'key');
  if (unknown !== undefined)
    throw new NodeError('CONFIG_UNKNOWN_KEY', `tls.${unknown} is not known; use tls.cert and tls.key`);
  for (const part of ['cert', 'key'] as const) {
    if (typeof tls[part] !== 'string' && !Buffer.isBuffer(tls[part])) {
      throw new NodeError('CONFIG_INVALID', `tls.${part} must be PEM text`);
    }
  }
  return tls;
}
