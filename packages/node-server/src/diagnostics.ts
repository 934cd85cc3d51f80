import { channel } from 'node:diagnostics_channel';
import type { EventHub, MillraceEvent } from '@millrace/protocol';

/** Every event of every node of this process is published here. */
const CHANNEL_NAME = 'millrace:node';

/** Publishes a hub's events on `diagnostics_channel`. Returns how to end that. */
export function publishEvents(events: EventHub<MillraceEvent>): () => void {
  const published = channel(CHANNEL_NAME);
  return events.subscribe((event) => published.publish(event));
}
