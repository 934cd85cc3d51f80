/** Resolves once `condition` holds, looking at it once in each turn of the event loop: for facts that tell nobody. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Lets everything that is ready run, a number of times over: after it, what has not happened waits for something. */
export async function quiet(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
