import type { Form } from './classify.js';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain';
const BYTES_TYPE = 'application/octet-stream';

/** The type of a body of this form. */
export function contentTypeOf(form: Form): string {
  if (form === 'json') return JSON_TYPE;
  return form === 'text' ? TEXT_TYPE : BYTES_TYPE;
}

/** Whether a tunnel body may have this content type. Anything else is not carried on, in either direction. */
export function isTunnelType(contentType: string | null | undefined): contentType is string {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  return type === JSON_TYPE || type === TEXT_TYPE || type === BYTES_TYPE;
}
