import { quiet } from './eventually.js';

/** Whether a promise is still unsettled once everything that is ready has run. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await quiet();
  return !settled;
}
