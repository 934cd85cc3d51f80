import type { EventHub } from '@millrace/protocol';

/** Counts the error codes of events, such as `closed SEQ_TIMEOUT`; gives them as text since the last call. */
export function countCodes(events: EventHub): () => string[] {
  let counts = new Map<string, number>();
  events.subscribe((event) => {
    if (!('code' in event) || event.code === undefined) return;
    const name = `${event.event} ${event.code}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return () => {
    const texts = [...counts].map(([name, count]) => (count > 1 ? `${name} (${count} times)` : name));
    counts = new Map();
    return texts;
  };
}
