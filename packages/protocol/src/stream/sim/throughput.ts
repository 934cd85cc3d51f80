import type { Pair } from './pair.js';

/** What a transfer cost. */
export interface Transfer {
  bytes: number;
  virtualMs: number;
  requests: number;
}

/** Moves `total` bytes of one stream through a pair, up or down; nothing is checked but the count. */
export function transfer(pair: Pair, total: number, direction: 'up' | 'down'): Transfer {
  const chunk = new Uint8Array(65_536).fill(7);
  const sid = pair.open();
  const [from, to] = direction === 'up' ? (['client', 'node'] as const) : (['node', 'client'] as const);
  let written = 0;
  let read = 0;
  const write = () => {
    while (written < total) {
      const size = Math.min(chunk.length, total - written);
      const taken = pair[from].write(sid, size === chunk.length ? chunk : chunk.slice(0, size), pair.now);
      written += taken;
      if (taken < size) return;
    }
    pair[from].finish(sid, pair.now);
  };
  const consume = () => {
    for (let piece = pair[to].read(sid); piece; piece = pair[to].read(sid)) {
      read += piece.length;
      pair[to].consume(sid, piece.length, pair.now);
    }
  };
  const startedAt = pair.now;
  const before = pair.requests;
  const act = (end: 'client' | 'node') => (event: { type: string }) => {
    if (end === from && (event.type === 'writable' || event.type === 'opened' || event.type === 'open')) write();
    if (end === to && event.type === 'readable') consume();
  };
  pair.onClientEvent = act('client');
  pair.onNodeEvent = act('node');
  if (direction === 'up') write();
  pair.run(3_600_000, () => read >= total);
  if (read !== total) throw new Error(`moved ${read} of ${total} bytes`);
  return { bytes: read, virtualMs: pair.now - startedAt, requests: pair.requests - before };
}
