import { channel } from 'node:diagnostics_channel';
import type { EventHub } from '@millrace/protocol';

const relayChannel = channel('millrace:relay');

/** Publishes every event of a hub on the diagnostics channel. Returns what ends that. */
export function publishEvents(events: EventHub): () => void {
  return events.subscribe((event) => {
    if (relayChannel.hasSubscribers) relayChannel.publish(event);
  });
}
