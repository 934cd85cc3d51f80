import { ProtocolError, type MillraceConfig } from '@millrace/protocol';
import { parseConfig } from '@millrace/protocol/config';
import { CliError } from '../errors.js';
import { readTextFile } from './files.js';
import { jsonErrorPlace } from './json-place.js';

/**
 * Reads and checks a configuration file.
 * @throws CliError FILE_UNREADABLE, CONFIG_INVALID or CONFIG_UNKNOWN_KEY, each naming the file
 */
export async function readConfigFile(path: string): Promise<MillraceConfig> {
  // A byte order mark is what some editors on Windows put first.
  const text = (await readTextFile(path, '--config')).replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const place = jsonErrorPlace(text);
    const where = place ? `${path}, line ${place.line}, column ${place.column}` : path;
    const next = 'Correct it there: names and texts stand in double quotes, no comma after the last one, no comments.';
    throw new CliError('CONFIG_INVALID', 'the file is not JSON', { where, next });
  }
  try {
    return parseConfig(value);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CliError(error.code, error.message, { where: path, cause: error });
  }
}
