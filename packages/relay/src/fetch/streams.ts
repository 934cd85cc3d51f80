/** Between web streams, which not every runtime can iterate, and async iterables. */
import type { Body } from '../core/types.js';

/** The chunks of a stream, or none of null. A loop that is left early cancels the stream. */
export async function* iterate(stream: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void, void> {
  if (stream === null) return;
  const reader = stream.getReader();
  let done = false;
  try {
    for (;;) {
      const next = await reader.read();
      done = next.done;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // A failed stream rejects its cancel too, which tells nothing new.
    if (!done) reader.cancel().catch(() => {});
  }
}

/** What `fetch` and `Response` take for a body. */
export function bodyOf(body: Body, onCancel?: () => void): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> {
  return body instanceof Uint8Array ? new Uint8Array(body) : streamOf(body, onCancel);
}

/** A stream that takes a chunk when it is asked for one, and never ahead. An error of the chunks is an error of the stream. */
function streamOf(chunks: AsyncIterable<Uint8Array>, onCancel?: () => void): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel() {
        onCancel?.();
        // Not waited for: a chunk may be under way that never comes.
        iterator.return?.().then(undefined, () => {});
      },
    },
    { highWaterMark: 0 },
  );
}
