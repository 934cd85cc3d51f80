/** Capability bits: a behaviour that may be used only after the other side has shown its bit. */
export interface CapabilityBits {
  /** Level 1 `data` ops may carry `seq`, and several of one stream may be in flight. @bit 0 */
  PIPELINE_SEQ: true;
  /** The sender speaks level 2: packets of segments. @bit 1 */
  RELIABLE_STREAM: true;
  /** UDP flows at level 2. @bit 2 */
  DATAGRAMS: true;
  /** Signalling for WebRTC inside the tunnel. @bit 3 */
  SIGNAL: true;
}
