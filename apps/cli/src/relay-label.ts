/** A relay's address without what may be secret in it: credentials, query and fragment. Events name relays so, too. */
export function relayLabel(url: string): string {
  if (!URL.canParse(url)) return 'an address that is no URL';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Labels of several relays. Those with the same address, which differ in where they connect to, are numbered. */
export function relayLabels(entries: ReadonlyArray<{ readonly url: string }>): string[] {
  const seen = new Map<string, number>();
  return entries.map(({ url }) => {
    const label = relayLabel(url);
    const count = (seen.get(label) ?? 0) + 1;
    seen.set(label, count);
    return count === 1 ? label : `${label} #${count}`;
  });
}
