import { configSchema } from '@millrace/protocol/config';
import type { Io } from '../io.js';
import type { Output } from '../output/output.js';
import { checkDoctor } from '../settings/check-doctor.js';
import { checkUp } from '../settings/check-up.js';
import { readConfigFile } from '../settings/config-file.js';
import { doctorSettings, nodeSettings, relaySettings, upSettings } from '../settings/section.js';

/** `millrace config check FILE`: reads a configuration as the commands would. It touches no network and no key. */
export async function configCheck(output: Output, path: string): Promise<number> {
  const began = performance.now();
  const file = await readConfigFile(path);
  if (file.up) checkUp(upSettings(file, {}));
  if (file.doctor) checkDoctor(doctorSettings(file, {}));
  if (file.node) nodeSettings(file, {});
  if (file.relay) relaySettings(file, {});
  const sections = Object.keys(file).filter((key) => key !== '$schema');
  const message = `${path} is right: ${sections.length === 0 ? 'it sets nothing' : `it sets ${sections.join(', ')}`}`;
  output.event({ event: 'check', name: 'config', ok: true, message, ms: performance.now() - began });
  return 0;
}

/** `millrace config schema`: prints the JSON schema that editors check configuration files with. */
export function configSchemaText(io: Pick<Io, 'stdout'>): number {
  io.stdout.write(`${JSON.stringify(configSchema, undefined, 2)}\n`);
  return 0;
}
