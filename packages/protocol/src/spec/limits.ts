/**
 * Every bound that both sides of the wire rely on. Bounds of one side only stand beside that side's options and reach
 * docs/LIMITS.md from the configuration spec.
 *
 * `@value` is the default, `@unit` its unit; the text says why it is that, and what raising it costs.
 */
export interface WireLimits {
  /** Largest request or response body, before and after decompression. Twice what one batch may drain, as base64. @value 67108864 @unit bytes */
  maxBodyBytes: number;
  /** Highest ratio of unzipped to zipped bytes. base64 text of random bytes zips to 3/4; real ops stay far below 100. @value 100 @unit ratio */
  maxGzipRatio: number;
  /** Deepest nesting of a JSON body. Level 1 needs 4: body, list of replies, reply, list of datagrams. @value 8 @unit levels */
  maxJsonDepth: number;
  /** Most values in a JSON body, so that a small body cannot unfold into a large number of objects. @value 1048576 @unit values */
  maxJsonValues: number;
  /** Most ops in one batch that a node accepts; a client sends at most 50. @value 1024 @unit ops */
  maxBatchOps: number;
  /** Ops that a client puts into one batch. @value 50 @unit ops */
  batchOps: number;
  /** Payload bytes that a client puts into one batch, before base64. @value 4194304 @unit bytes */
  batchBytes: number;
  /** Most bytes that one drain takes from one stream. Also what a stream holds before its target is no longer read. @value 16777216 @unit bytes */
  maxStreamDrainBytes: number;
  /** Most bytes that all drains of one batch take. @value 33554432 @unit bytes */
  maxBatchDrainBytes: number;
  /** Writes with `wseq` that wait for an earlier one, by count. @value 32 @unit writes */
  maxWaitingWrites: number;
  /** Writes with `wseq` that wait for an earlier one, by size. @value 16777216 @unit bytes */
  maxWaitingWriteBytes: number;
  /** Longest host name. RFC 1035 section 2.3.4. @value 255 @unit bytes */
  maxHostBytes: number;
  /** Largest UDP payload over IPv4. @value 65507 @unit bytes */
  maxDatagramBytes: number;
  /** Most ops in flight for one stream. @value 8 @unit ops */
  maxPipelineDepth: number;
  /** Shortest access key. 128 bits as base64url take 22 characters. @value 22 @unit characters */
  minKeyCharacters: number;
  /** Longest access key, as it stands in a JSON body. @value 1024 @unit bytes */
  maxKeyBytes: number;
  /** Most segments in a level 2 packet. @value 4096 @unit segments */
  maxPacketSegments: number;
  /** Most ranges in `got` or `lost`. @value 1024 @unit ranges */
  maxPacketRanges: number;
  /** Most datagrams in a segment. @value 1024 @unit datagrams */
  maxSegmentDatagrams: number;
  /** Most datagrams in a whole level 2 packet. A body of the largest size holds about 50,000 of common size; a packet is far smaller. @value 16384 @unit datagrams */
  maxPacketDatagrams: number;
}
