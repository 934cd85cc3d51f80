/**
 * Both sides of a stream without the web streams round them. A proxy moves each chunk by itself: making a pair of web streams costs
 * more than all else of a short connection, and each chunk takes a dozen turns of their promises.
 */
import type { TunnelStream } from './types.js';

export interface StreamEnds {
  /** The next bytes; undefined once the target has ended its side. One call at a time. Rejects once the stream is cut. */
  read(): Promise<Uint8Array | undefined>;
  /** Takes in a chunk, which is copied unless it was given away. One call at a time. Resolves when all of it is in; rejects once the stream is cut. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends the application's side. Resolves when the node has all of it; rejects once the stream is cut. */
  end(): Promise<void>;
}

/** Where a stream that has them keeps its sides. */
export const ENDS = Symbol('ends');

/** The sides of a stream, to be used instead of its web streams; those of its web streams where it offers no others. */
export function endsOf(stream: TunnelStream & { readonly [ENDS]?: StreamEnds }): StreamEnds {
  return stream[ENDS] ?? webEnds(stream);
}

function webEnds({ readable, writable }: TunnelStream): StreamEnds {
  const reader = readable.getReader();
  let used: WritableStreamDefaultWriter<Uint8Array> | undefined;
  // Who only reads leaves the other side to others.
  const writer = (): WritableStreamDefaultWriter<Uint8Array> => {
    if (used === undefined) {
      used = writable.getWriter();
      used.closed.catch(() => {});
    }
    return used;
  };
  return {
    read: async () => (await reader.read()).value,
    write: async (chunk) => {
      await writer().ready;
      writer()
        .write(chunk)
        .catch(() => {});
    },
    end: () => writer().close(),
  };
}
