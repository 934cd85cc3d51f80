// Runs executions of a simulated Apps Script, one at a time, each in a fresh context: nothing global survives from one
// execution to the next, as on the platform. `UrlFetchApp` is synchronous there, so a fetch blocks this thread until
// the main thread has made the request. Plain JavaScript outside `src`, since it is loaded by address and must run
// without a build.
/* oxlint-disable unicorn/require-post-message-target-origin -- ports of worker threads have no origin */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createContext, Script } from 'node:vm';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

const { source, fetchPort, wake } = workerData;
const flag = new Int32Array(wake);
const services = new Script(readFileSync(new URL('apps-script-services.js', import.meta.url), 'utf8'), {
  filename: 'apps-script-services.js',
});
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function fetchBlocking(requests) {
  Atomics.store(flag, 0, 0);
  fetchPort.postMessage(requests);
  Atomics.wait(flag, 0, 0);
  return receiveMessageOnPort(fetchPort).message;
}

function createHost(properties) {
  return {
    properties,
    fetch: fetchBlocking,
    uuid: randomUUID,
    encodeText: (text) => new Uint8Array(Buffer.from(text, 'utf8')),
    // Signed bytes (-128 to 127) as the platform has them, or unsigned ones.
    copyBytes: (bytes) => Uint8Array.from(bytes, (byte) => byte & 0xff),
    decodeText: (bytes, charset = 'UTF-8') => new TextDecoder(charset, { ignoreBOM: true }).decode(bytes),
    signed: (bytes) => new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    toBase64: (bytes) => Buffer.from(bytes).toString('base64'),
    fromBase64: (text) => (BASE64.test(text) ? Buffer.from(text, 'base64') : undefined),
  };
}

function run({ handler, event, properties: entries }) {
  const properties = new Map(entries);
  const end = (result) => parentPort.postMessage({ ...result, properties: [...properties] });
  try {
    const context = createContext({});
    services.runInContext(context)(createHost(properties));
    new Script(source, { filename: 'Code.gs' }).runInContext(context);
    if (new Script(`typeof ${handler}`).runInContext(context) !== 'function') {
      end({ error: `Script function not found: ${handler}` });
      return;
    }
    // Through JSON, so that the event belongs to the script's realm.
    const call = new Script(`(text) => ${handler}(JSON.parse(text))`).runInContext(context);
    const output = call(JSON.stringify(event));
    if (typeof output?.text !== 'string') {
      end({ error: 'The script completed but the returned value is not a supported return type.' });
      return;
    }
    end({ text: output.text, mimeType: output.mimeType });
  } catch (error) {
    end({ error: String(error) });
  }
}

parentPort.on('message', run);
