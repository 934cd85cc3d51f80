import type { MillraceConfig } from '@millrace/protocol';
import type { Io } from '../io.js';
import type { Output } from '../output/output.js';
import { readConfigFile } from '../settings/config-file.js';
import type { Given } from '../settings/section.js';

/** What every command gets. */
export interface CommandContext {
  readonly io: Io;
  readonly output: Output;
  /** Path of the configuration file, from `--config`. */
  readonly config: string | undefined;
  /** Options of the command's own section that were given as flags. */
  readonly given: Given;
}

/** The configuration file; an empty configuration where none was named. */
export async function configOf(context: Pick<CommandContext, 'config'>): Promise<MillraceConfig> {
  return context.config === undefined ? {} : await readConfigFile(context.config);
}
