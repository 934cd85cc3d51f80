/** How many options a tree may lack. */
const MOST_UNKNOWN = 16;
/** How the code under test begins the message about an option that it does not know: with its path. */
const PATH = /^([\w.[\]]+) is not/;

/**
 * Starts something with options, some of which an older tree may not know: those are left out, and named. Their values are
 * then whatever that tree does without them.
 */
export async function startWithKnown<O extends object, T>(
  options: O,
  start: (options: O) => Promise<T>,
): Promise<{ started: T; unknown: string[] }> {
  const given = structuredClone(options);
  const unknown: string[] = [];
  for (;;) {
    try {
      return { started: await start(given), unknown };
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      const path = code === 'CONFIG_UNKNOWN_KEY' ? PATH.exec(message)?.[1] : undefined;
      if (path === undefined || unknown.length >= MOST_UNKNOWN || !removeAt(given, path)) throw error;
      unknown.push(path);
    }
  }
}

/** Removes what stands at `relays[0].carries`; false when nothing does. */
function removeAt(options: object, path: string): boolean {
  const steps = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  const last = steps.pop() ?? '';
  let at: unknown = options;
  for (const step of steps) at = (at as Record<string, unknown> | undefined)?.[step];
  if (typeof at !== 'object' || at === null || !Object.hasOwn(at, last)) return false;
  return Reflect.deleteProperty(at, last);
}
