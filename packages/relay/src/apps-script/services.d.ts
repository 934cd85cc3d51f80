// What the script uses of the platform. https://developers.google.com/apps-script/reference

interface TextOutput {
  setMimeType(mimeType: unknown): TextOutput;
}

declare const ContentService: {
  readonly MimeType: { readonly JSON: unknown; readonly TEXT: unknown };
  createTextOutput(text: string): TextOutput;
};

interface HTTPResponse {
  getResponseCode(): number;
  getContentText(charset: string): string;
}

declare const UrlFetchApp: {
  fetch(
    url: string,
    params: {
      method: 'post';
      contentType: string;
      payload: string;
      muteHttpExceptions: boolean;
      followRedirects: boolean;
    },
  ): HTTPResponse;
};

/** Event of a web app. https://developers.google.com/apps-script/guides/web */
interface WebAppEvent {
  readonly parameter: Readonly<Record<string, string>>;
  readonly postData?: { readonly contents: string };
}

/** Address of the node's batch endpoint, filled in when the file is made. */
declare const MILLRACE_NODE: string;
/** Token that clients must show, filled in when the file is made. */
declare const MILLRACE_TOKEN: string;
