/** Less is not worth the call. */
const LEAST_BYTES = 4096;

/** What is looked for in a runtime. */
interface Port {
  postMessage(message: unknown, transfer: ArrayBufferLike[]): void;
  close(): void;
}

let nowhere: Port | null | undefined;

/**
 * Frees memory that nobody uses any more, now. What sockets and parsers bring lies outside the collector's heap and is
 * freed with its handle; while bytes are many, that waits for the whole heap to be walked, and bytes alone make that be
 * done time and again. Every view of it is empty afterwards. Nothing happens to what is only a part of its buffer, to
 * what is small, and in runtimes that have no way to do it.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LEAST_BYTES || byteLength !== buffer.byteLength) return;
  if (nowhere === undefined) nowhere = closedPort();
  try {
    // What is transferred to a port that is closed is gone: the standard has it so, and nothing is copied.
    nowhere?.postMessage(undefined, [buffer]);
  } catch {
    // Shared memory, or the runtime's own: the collector's, as ever.
  }
}

function closedPort(): Port | null {
  const { MessageChannel } = globalThis as unknown as { MessageChannel?: new () => { port1: Port } };
  if (MessageChannel === undefined) return null;
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
