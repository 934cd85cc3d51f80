export interface ExistingScriptOptions {
  /** `http:` address of the node, without a path. */
  node: string;
  /** Key that the script asks of its clients. */
  scriptKey: string;
  /** Key that the script shows to the node. */
  nodeKey: string;
}

/**
 * Source of a minimal Apps Script of the kind that existing fleets run. It checks its own `k`; of a body with
 * `t:"batch"` it sends the node only `{k, ops}`, with the node's key, and hands back only `{r}`, or `{e}`.
 */
export function existingScript(options: ExistingScriptOptions): string {
  return `
var KEY = ${JSON.stringify(options.scriptKey)};
var NODE_KEY = ${JSON.stringify(options.nodeKey)};
var NODE_BATCH = ${JSON.stringify(`${options.node.replace(/\/$/, '')}/tunnel/batch`)};

function doPost(e) {
  try {
    var request = JSON.parse(e.postData.contents);
    if (request.k !== KEY) return reply({ e: 'unauthorized' });
    if (request.t !== 'batch') return reply({ e: 'unknown request' });
    var response = UrlFetchApp.fetch(NODE_BATCH, {
      method: 'post',
      contentType: 'application/json',
      payload: JSON.stringify({ k: NODE_KEY, ops: request.ops }),
      muteHttpExceptions: true,
    });
    if (response.getResponseCode() !== 200) return reply({ e: 'node answered ' + response.getResponseCode() });
    var answer = JSON.parse(response.getContentText());
    if (answer.r === undefined) return reply({ e: answer.e || 'no replies' });
    return reply({ r: answer.r });
  } catch (error) {
    return reply({ e: String(error) });
  }
}

function doGet() {
  return ContentService.createTextOutput('It works.');
}

function reply(value) {
  return ContentService.createTextOutput(JSON.stringify(value)).setMimeType(ContentService.MimeType.JSON);
}
`;
}
