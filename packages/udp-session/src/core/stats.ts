/** What a session counts, since its start. */
export interface SessionStats {
  framesSubmitted: number;
  /** Frames that this end received whole and gave out. */
  framesCompleted: number;
  /** Frames given up: by the sender before all of it was sent, by the receiver because it stayed incomplete. */
  framesDropped: number;
  /** Received frames of which parity gave back at least one shard. */
  framesRecovered: number;
  packetsSent: number;
  packetsReceived: number;
  /** Packets of the peer that are given up: none of them arrived. */
  packetsLost: number;
  /** Packets that arrived after they were given up. They are used all the same. */
  packetsLate: number;
  /** Packets that were there before, or are older than the replay window. */
  packetsReplayed: number;
  /** Datagrams whose tag was wrong, or that no key fits. */
  packetsNotAuthentic: number;
  /** Datagrams that do not look like a packet of this session; they are not opened. */
  packetsForeign: number;
  /** Authentic packets with something in them that breaks the rules. */
  packetsMalformed: number;
  /** Packets that the system did not take; counted by whoever sends, see `refused`. */
  packetsRefused: number;
  /** Data shards that parity gave back. */
  shardsRecovered: number;
  /** Shards that came because they were asked for. */
  shardsRetransmitted: number;
  /** Shards that were sent again. */
  shardsResent: number;
  /** Shards of frames that were complete, or given up, when they came. */
  shardsSurplus: number;
  eventsSent: number;
  eventsReceived: number;
  /** Events sent again because no ack came. */
  eventsResent: number;
  datagramsSent: number;
  datagramsReceived: number;
  /** Datagrams dropped here because more were waiting than may. */
  datagramsDropped: number;
  /** Copies of small messages, sent ahead of any loss. */
  copiesSent: number;
  /** Bytes of UDP payload. */
  bytesSent: number;
  bytesReceived: number;
  /** Of those sent: parity, copies and what was sent again: what loss costs. */
  repairBytesSent: number;
}

export function newStats(): SessionStats {
  return {
    framesSubmitted: 0,
    framesCompleted: 0,
    framesDropped: 0,
    framesRecovered: 0,
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    packetsLate: 0,
    packetsReplayed: 0,
    packetsNotAuthentic: 0,
    packetsForeign: 0,
    packetsMalformed: 0,
    packetsRefused: 0,
    shardsRecovered: 0,
    shardsRetransmitted: 0,
    shardsResent: 0,
    shardsSurplus: 0,
    eventsSent: 0,
    eventsReceived: 0,
    eventsResent: 0,
    datagramsSent: 0,
    datagramsReceived: 0,
    datagramsDropped: 0,
    copiesSent: 0,
    bytesSent: 0,
    bytesReceived: 0,
    repairBytesSent: 0,
  };
}
