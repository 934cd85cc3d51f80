import { CliError } from '../errors.js';
import { readTextFile } from './files.js';
import { jsonErrorPlace } from './json-place.js';

/**
 * Reads a JSON file. `flag` is for messages.
 * @throws CliError FILE_UNREADABLE, or CONFIG_INVALID with line and column
 */
export async function readJsonFile(path: string, flag: string): Promise<unknown> {
  const text = await readTextFile(path, flag);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const place = jsonErrorPlace(text);
    const where = place ? `${path}, line ${place.line}, column ${place.column}` : path;
    const next = 'Correct it there: names and texts stand in double quotes, no comma after the last one, no comments.';
    throw new CliError('CONFIG_INVALID', 'the file is not JSON', { where, next });
  }
}
