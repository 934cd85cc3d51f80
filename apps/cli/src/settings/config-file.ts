import { ProtocolError, type MillraceConfig } from '@millrace/protocol';
import { parseConfig } from '@millrace/protocol/config';
import { CliError } from '../errors.js';
import { readJsonFile } from './json-file.js';

/**
 * Reads and checks a configuration file.
 * @throws CliError FILE_UNREADABLE, CONFIG_INVALID or CONFIG_UNKNOWN_KEY, each naming the file
 */
export async function readConfigFile(path: string): Promise<MillraceConfig> {
  const value = await readJsonFile(path, '--config');
  try {
    return parseConfig(value);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CliError(error.code, error.message, { where: path, cause: error });
  }
}
