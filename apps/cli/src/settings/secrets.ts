import { ProtocolError, type RelayEntry } from '@millrace/protocol';
import { checkKey } from '@millrace/protocol/config';
import { CliError } from '../errors.js';
import { generateKey } from '../generate-key.js';
import type { Io } from '../io.js';
import { readTextFile } from './files.js';

/** Reads secrets from where the options say. Standard input can be read once, so by one of them. */
export interface SecretReader {
  /**
   * The access key: from `keyFile`, else from `MILLRACE_KEY`.
   * @throws CliError KEY_MISSING, KEY_WEAK, FILE_UNREADABLE
   */
  key(keyFile: string | undefined): Promise<string>;
  /**
   * The access key that these relays need. A script brings the key itself, so where all are scripts and none was given,
   * it is one that nothing uses.
   */
  keyFor(relays: readonly RelayEntry[], keyFile: string | undefined): Promise<string>;
  /** The token of a relay: from `tokenFile`, else from `MILLRACE_RELAY_TOKEN`. Same errors as `key`. */
  relayToken(tokenFile: string | undefined): Promise<string>;
  /**
   * The one line in a file, or of standard input for `-`, without its end. `flag` is for messages.
   * @throws CliError FILE_UNREADABLE, or CONFIG_INVALID where it is not one line of text
   */
  file(path: string, flag: string): Promise<string>;
  /** Relay entries with each `tokenFile` replaced by the token in it. */
  relays(entries: readonly RelayEntry[]): Promise<RelayEntry[]>;
}

export function secretReader(io: Pick<Io, 'env' | 'readStdin'>): SecretReader {
  let stdinReader: string | undefined;

  const file = async (path: string, flag: string): Promise<string> => {
    if (path !== '-') return oneLine(await readTextFile(path, flag), `${flag} ${path}`);
    if (stdinReader !== undefined) {
      const message = `standard input was already read for ${stdinReader}`;
      throw new CliError('CONFIG_INVALID', message, { where: flag, next: 'Give one of them as a file.' });
    }
    stdinReader = flag;
    return oneLine(await io.readStdin(), `${flag} -`);
  };

  const secret = async (path: string | undefined, flag: string, variable: string, what: string): Promise<string> => {
    const where = path === undefined ? variable : `${flag} ${path}`;
    const text = path === undefined ? oneLine(io.env[variable] ?? '', variable) : await file(path, flag);
    const next = `\`millrace keygen --out FILE\` makes one; give it by \`${flag} FILE\` or in ${variable}.`;
    if (text === '') {
      const message = path === undefined ? `no ${what} was given` : `${path} is empty: no ${what} in it`;
      throw new CliError('KEY_MISSING', message, { where: path === undefined ? `${flag}, ${variable}` : where, next });
    }
    try {
      checkKey(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new CliError(error.code, error.message.replace('access key', what), { where, next, cause: error });
    }
    return text;
  };

  const key = (keyFile: string | undefined): Promise<string> =>
    secret(keyFile, '--key-file', 'MILLRACE_KEY', 'access key');

  return {
    key,
    async keyFor(relays, keyFile) {
      const given = keyFile !== undefined || (io.env.MILLRACE_KEY ?? '') !== '';
      return given || relays.some(({ kind }) => kind !== 'script') ? await key(keyFile) : generateKey();
    },
    relayToken: (tokenFile) => secret(tokenFile, '--token-file', 'MILLRACE_RELAY_TOKEN', 'relay token'),
    file,
    async relays(entries) {
      const result: RelayEntry[] = [];
      for (const { tokenFile, ...entry } of entries) {
        if (tokenFile !== undefined && entry.token !== undefined) {
          const message = 'a relay has both a token and a token file';
          throw new CliError('CONFIG_INVALID', message, { where: '--relay', next: 'Give one of them.' });
        }
        if (tokenFile === undefined) result.push(entry);
        else result.push({ ...entry, token: await file(tokenFile, '--relay …,token-file') });
      }
      return result;
    },
  };
}

/**
 * The text without the line ends after it. What has more lines, or no text in it, would be taken for a secret that nobody
 * else has, and refused far from here.
 */
function oneLine(text: string, where: string): string {
  const line = text.replace(/[\r\n]+$/, '');
  const odd = oddity(line);
  if (odd === undefined) return line;
  const next = 'Put the secret there alone, as one line of UTF-8 text.';
  throw new CliError('CONFIG_INVALID', `a secret is one line, and there is ${odd}`, { where, next });
}

function oddity(line: string): string | undefined {
  if (/[\r\n]/.test(line)) return 'more than one line';
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return /[\0-\x1f\x7f\ufffd]/.test(line) ? 'what is no text' : undefined;
}
