// Bundles the Apps Script relay, packages/relay/src/apps-script/script.ts with the pure part of the forwarder, into the
// template that `renderAppsScript` fills in. Called by scripts/generate.mjs.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = fileURLToPath(new URL('../packages/relay/src/apps-script/script.ts', import.meta.url));
const OUTPUT = 'packages/relay/src/gen/apps-script.ts';

/** What stands above the code: what the file is, how to deploy it, and the two values, which the placeholders become. */
const HEAD = `/*
 * Millrace relay for Google Apps Script. It passes text bodies on to one tunnel node, for whoever shows the token, and
 * keeps nothing. Made by \`millrace relay --apps-script\`; change it there, not here. This file holds the token.
 *
 * 1. script.google.com: New project. Replace the contents of Code.gs by this file and save.
 * 2. Deploy > New deployment > Web app. Execute as: Me. Who has access: Anyone. Deploy, and authorize it.
 * 3. Give the client the web app's address (.../exec) as a relay, with the token below.
 * A changed file needs a new version: Deploy > Manage deployments > Edit.
 */
var MILLRACE_NODE = __MILLRACE_NODE__;
var MILLRACE_TOKEN = __MILLRACE_TOKEN__;
`;

/** A script has no modules: the platform calls functions by their names. */
const EXPORTS = /^export \{\n {2}doGet,\n {2}doPost\n\};\n$/m;

/** [path from the root, content] of the template's source file. */
export async function appsScriptFiles(root) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [SOURCE],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    // What the V8 runtime of Apps Script surely takes.
    target: 'es2019',
    charset: 'ascii',
    legalComments: 'none',
    tsconfigRaw: {},
  });
  const code = outputFiles[0].text;
  if (!EXPORTS.test(code)) throw new Error('the bundle does not export just doGet and doPost');
  const lines = (HEAD + code.replace(EXPORTS, '')).split('\n').map((line) => `  ${JSON.stringify(line)},\n`);
  const content = `// Made by scripts/generate-apps-script.mjs from src/apps-script/script.ts: do not edit, run \`npm run generate\`.\n
/** The Apps Script relay, with \`__MILLRACE_NODE__\` and \`__MILLRACE_TOKEN__\` where the two string literals go. */
export const APPS_SCRIPT_TEMPLATE: string = [\n${lines.join('')}].join('\\n');\n`;
  return [[OUTPUT, content]];
}
