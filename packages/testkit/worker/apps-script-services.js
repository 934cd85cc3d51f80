// The services of Apps Script that a web app uses, as far as documented at
// https://developers.google.com/apps-script/reference. Evaluated inside the context of each execution, so that what they
// throw and return belongs to the script's own realm. `host` is the worker.
/* oxlint-disable no-unused-expressions -- the worker calls the value of this expression */
(function defineServices(host) {
  'use strict';

  /** The script's own kind of array. */
  const toSigned = (bytes) => Array.from(host.signed(bytes));
  const toBytes = (data) => (typeof data === 'string' ? host.encodeText(data) : host.copyBytes(data));

  class Blob {
    constructor(bytes, contentType, name) {
      this.bytes = bytes;
      this.contentType = contentType;
      this.name = name;
    }
    getBytes() {
      return toSigned(this.bytes);
    }
    getDataAsString(charset) {
      return host.decodeText(this.bytes, charset);
    }
    getContentType() {
      return this.contentType ?? null;
    }
    getName() {
      return this.name ?? null;
    }
  }

  class TextOutput {
    constructor(text) {
      this.text = text === undefined ? '' : String(text);
      this.mimeType = 'TEXT';
    }
    append(text) {
      this.text += String(text);
      return this;
    }
    getContent() {
      return this.text;
    }
    setContent(text) {
      this.text = String(text);
      return this;
    }
    getMimeType() {
      return this.mimeType;
    }
    setMimeType(mimeType) {
      if (!Object.values(ContentService.MimeType).includes(mimeType)) throw new TypeError('Invalid argument: mimeType');
      this.mimeType = mimeType;
      return this;
    }
  }

  const ContentService = {
    MimeType: Object.freeze({ JSON: 'JSON', TEXT: 'TEXT', XML: 'XML', CSV: 'CSV' }),
    createTextOutput: (text) => new TextOutput(text),
  };

  class HTTPResponse {
    constructor(reply) {
      this.reply = reply;
    }
    getResponseCode() {
      return this.reply.status;
    }
    getContentText(charset) {
      return host.decodeText(this.reply.body, charset);
    }
    getContent() {
      return toSigned(this.reply.body);
    }
    getBlob() {
      return new Blob(this.reply.body, this.reply.headers['content-type']);
    }
    getHeaders() {
      return { ...this.reply.headers };
    }
    getAllHeaders() {
      return { ...this.reply.headers };
    }
  }

  function encodePayload(payload) {
    if (payload === undefined || payload === null) return { bytes: undefined, type: undefined };
    if (typeof payload === 'string')
      return { bytes: host.encodeText(payload), type: 'application/x-www-form-urlencoded' };
    if (payload instanceof Blob) return { bytes: payload.bytes, type: payload.contentType };
    if (Array.isArray(payload)) return { bytes: host.copyBytes(payload), type: 'application/x-www-form-urlencoded' };
    const form = Object.entries(payload).map((pair) => pair.map((part) => encodeURIComponent(String(part))).join('='));
    return { bytes: host.encodeText(form.join('&')), type: 'application/x-www-form-urlencoded' };
  }

  function toRequest(url, params) {
    const { bytes, type } = encodePayload(params.payload);
    return {
      url: String(url),
      method: String(params.method ?? 'get').toUpperCase(),
      headers: { ...params.headers },
      contentType: params.contentType ?? type,
      payload: bytes,
      followRedirects: params.followRedirects !== false,
      muteHttpExceptions: params.muteHttpExceptions === true,
    };
  }

  function toResponse(request, reply) {
    if (reply.error !== undefined) throw new Error(reply.error);
    if (reply.status >= 400 && !request.muteHttpExceptions) {
      const start = host.decodeText(reply.body, 'UTF-8').slice(0, 100);
      const { origin } = reply;
      throw new Error(
        `Request failed for ${origin} returned code ${reply.status}. Truncated server response: ${start} (use muteHttpExceptions option to examine full response)`,
      );
    }
    return new HTTPResponse(reply);
  }

  const UrlFetchApp = {
    fetch(url, params = {}) {
      const request = toRequest(url, params);
      return toResponse(request, host.fetch([request])[0]);
    },
    fetchAll(requests) {
      const all = requests.map((item) => (typeof item === 'string' ? toRequest(item, {}) : toRequest(item.url, item)));
      return host.fetch(all).map((reply, i) => toResponse(all[i], reply));
    },
  };

  const Utilities = {
    Charset: Object.freeze({ UTF_8: 'UTF-8', US_ASCII: 'US-ASCII' }),
    base64Encode: (data) => host.toBase64(toBytes(data)),
    base64Decode(text) {
      const bytes = host.fromBase64(String(text));
      if (bytes === undefined) throw new Error('Could not decode string.');
      return toSigned(bytes);
    },
    newBlob: (data, contentType, name) => new Blob(toBytes(data), contentType, name),
    getUuid: () => host.uuid(),
  };

  const properties = {
    getProperty: (key) => host.properties.get(String(key)) ?? null,
    getProperties: () => Object.fromEntries(host.properties),
    getKeys: () => [...host.properties.keys()],
    setProperty(key, value) {
      host.properties.set(String(key), String(value));
      return properties;
    },
    deleteProperty(key) {
      host.properties.delete(String(key));
      return properties;
    },
  };
  const PropertiesService = { getScriptProperties: () => properties };

  const Logger = { log: () => Logger };
  const console = { log() {}, info() {}, warn() {}, error() {} };

  Object.assign(globalThis, { ContentService, UrlFetchApp, Utilities, PropertiesService, Logger, console });
});
