/** Every deadline of an engine, by name. All are values; nothing here waits. */
export interface TimerTable {
  /** Bulk bytes or bare acks have waited long enough for company (R7). */
  release?: number | undefined;
  /** A sender that is stuck asks its peer, or sends its oldest bytes again (R6). */
  ask?: number | undefined;
  /** An exchange is later than its relay's usual: its content goes over another one too. */
  hedge?: number | undefined;
  /** The patience with an exchange is over; counted from the end of its hold (R11). */
  patience?: number | undefined;
  /** A path that failed, or that others are quicker than, may be tried again. */
  path?: number | undefined;
  /** What arrived has to be confirmed to the peer, with nothing else to send. */
  confirm?: number | undefined;
  /** Client: it has to show itself on an unpaired path, or the node would forget the path, or the client. */
  keepAlive?: number | undefined;
  /** An unpaired path's pace lets another packet go. */
  pace?: number | undefined;
  /** An unpaired path's packet counts as lost by time, or a probe is due (RFC 9002, section 6). */
  loss?: number | undefined;
  /** Node: a held exchange has to be answered. */
  hold?: number | undefined;
  /** Node: a response was not confirmed in its usual time (R11). */
  response?: number | undefined;
}

/** The earliest deadline of a table, undefined when there is none. */
export function earliest(table: TimerTable): number | undefined {
  let first = Number.POSITIVE_INFINITY;
  for (const name in table) first = Math.min(first, table[name as keyof TimerTable] ?? Number.POSITIVE_INFINITY);
  return first === Number.POSITIVE_INFINITY ? undefined : first;
}
