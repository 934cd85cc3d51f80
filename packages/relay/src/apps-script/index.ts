import { APPS_SCRIPT_TEMPLATE } from '../gen/apps-script.js';
import { checkToken, nodeBatchUrl, refuseUnknown } from '../options.js';

/** Options of the Apps Script relay. */
export interface AppsScriptOptions {
  /** `http:` or `https:` address of the one node, reachable from Google's servers. */
  node: string;
  /** What clients must show, as the query parameter `token`; at least 22 random characters. `millrace keygen` makes one. */
  token: string;
}

/**
 * The text of an Apps Script file that is a relay to this node: the token checked first, text bodies passed on, a failure
 * of the node told inside the body. Deploy it as a web app that runs as you and is open to anyone. The file holds the
 * token. Throws RelayError: CONFIG_*, KEY_*.
 */
export function renderAppsScript(options: AppsScriptOptions): string {
  refuseUnknown(options, ['node', 'token']);
  const values: Readonly<Record<string, string>> = {
    __MILLRACE_NODE__: nodeBatchUrl(options.node),
    __MILLRACE_TOKEN__: checkToken(options.token),
  };
  // In one pass, so that a value that looks like a placeholder is left alone.
  return APPS_SCRIPT_TEMPLATE.replace(/__MILLRACE_(NODE|TOKEN)__/g, (name) => quote(values[name] ?? ''));
}

/** A script literal in plain ASCII that cannot end a comment, a string or a `<script>` element it is pasted into. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[^\x20-\x3b\x3d\x3f-\x7e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
