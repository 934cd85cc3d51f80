/** Pages as platforms show them instead of an answer. The words matter, the markup does not. */

export const SIGN_IN_PAGE =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body>You need permission to open this page.</body></html>';

/** The page of an Apps Script that ended with an error, which the platform serves with status 200. */
export function scriptErrorPage(message: string): string {
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!DOCTYPE html><html><head><title>Error</title></head><body><div style="text-align:center">${text}</div></body></html>`;
}

export const QUOTA_MESSAGES = {
  day: 'Exception: Service invoked too many times for one day: urlfetch.',
  rate: 'Exception: Service invoked too many times in a short time: urlfetch. Try Utilities.sleep(1000) between calls.',
} as const;

export function statusPage(status: number): string {
  return `<!DOCTYPE html><html><head><title>${status}</title></head><body>Error ${status}</body></html>`;
}
