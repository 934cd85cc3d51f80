import ipaddr from 'ipaddr.js';

/**
 * How far an address reaches: `public` everybody's, `private` this machine's or its networks' (which an option opens),
 * `never` nothing that a tunnel should reach.
 */
export type Reach = 'public' | 'private' | 'never';

/** An address with all that the policy asks about it. */
export interface Address {
  /** The one spelling that is checked, dialled and shown: IPv4-mapped addresses are IPv4 here; zone ids stay. */
  readonly text: string;
  readonly family: 4 | 6;
  readonly reach: Reach;
  /** This address and every IPv4 address inside it, without zone: whoever is reached by one of them is reached. */
  readonly readings: readonly string[];
}

/** Cloud metadata services. Whoever reaches one becomes the machine, so no option opens them. */
const METADATA = new Set([
  '169.254.169.254', // nearly all clouds
  '169.254.169.253', // AWS resolver
  '169.254.170.2', // AWS ECS
  '169.254.170.23', // AWS EKS
  '169.254.0.23', // Tencent
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure, although in public space
  '192.0.0.192', // Oracle
  'fd00:ec2::254', // AWS
  'fd00:ec2::253',
  'fd00:ec2::23',
  'fd20:ce::254', // Google
]);

const RANK: Readonly<Record<Reach, number>> = { public: 0, private: 1, never: 2 };

/** Reads an address in standard spelling; `undefined` for anything else, names included. */
export function parseAddress(text: string): Address | undefined {
  const [plain, zone] = splitZone(text);
  if (ipaddr.IPv4.isValidFourPartDecimal(plain))
    return zone === undefined ? fromV4(ipaddr.IPv4.parse(plain)) : undefined;
  const hexadecimal = withoutDots(plain);
  if (!ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  return fromV6(ipaddr.IPv6.parse(hexadecimal), zone);
}

/** `::1.2.3.4` with its last part as hexadecimal: the library would take it for `::ffff:1.2.3.4`. */
function withoutDots(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  const tail = text.slice(at);
  if (at === 0 || !ipaddr.IPv4.isValidFourPartDecimal(tail)) return text;
  const [a, b, c, d] = ipaddr.IPv4.parse(tail).octets;
  return `${text.slice(0, at)}${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
}

function fromV4(address: ipaddr.IPv4): Address {
  const text = address.toString();
  return { text, family: 4, reach: reachV4(address), readings: [text] };
}

function fromV6(address: ipaddr.IPv6, zone: string | undefined): Address {
  if (address.isIPv4MappedAddress()) {
    const inner = fromV4(address.toIPv4Address());
    return zone === undefined ? inner : { ...inner, reach: 'never' };
  }
  const plain = address.toRFC5952String();
  const inside = embedded(address).map((bytes) => fromV4(new ipaddr.IPv4(bytes)));
  const reaches = [reachV6(address, plain), ...inside.map((inner) => inner.reach)];
  // Only link-local addresses need a zone. Elsewhere it hides what is meant.
  if (zone !== undefined && address.range() !== 'linkLocal') reaches.push('never');
  return {
    text: zone === undefined ? plain : `${plain}%${zone}`,
    family: 6,
    reach: reaches.reduce((worst, reach) => (RANK[reach] > RANK[worst] ? reach : worst)),
    readings: [plain, ...inside.map((inner) => inner.text)],
  };
}

function reachV4(address: ipaddr.IPv4): Reach {
  if (METADATA.has(address.toString())) return 'never';
  switch (address.range()) {
    case 'unicast':
    case 'as112':
    case 'amt':
      return 'public';
    case 'loopback':
    case 'private':
    case 'linkLocal':
    case 'carrierGradeNat':
      return 'private';
    default:
      return 'never';
  }
}

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const NAT64_LOCAL = ipaddr.IPv6.parseCIDR('64:ff9b:1::/48');
const SITE_LOCAL = ipaddr.IPv6.parseCIDR('fec0::/10');
const COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96');
const TRANSLATED = ipaddr.IPv6.parseCIDR('::ffff:0:0:0/96');
const SIX_TO_FOUR = ipaddr.IPv6.parseCIDR('2002::/16');
const TEREDO = ipaddr.IPv6.parseCIDR('2001::/32');

function reachV6(address: ipaddr.IPv6, plain: string): Reach {
  if (METADATA.has(plain)) return 'never';
  if (address.match(NAT64)) return 'public';
  if (address.match(NAT64_LOCAL) || address.match(SITE_LOCAL)) return 'private';
  switch (address.range()) {
    case 'loopback':
    case 'linkLocal':
    case 'uniqueLocal':
      return 'private';
    case 'unicast':
    case 'as112v6':
    case 'amt':
    case '6to4':
    case 'teredo':
      // What is not handed out yet (RFC 4291 section 2.4, IANA's registry) leads nowhere that is meant.
      return address.match(GLOBAL_UNICAST) ? 'public' : 'never';
    default:
      return 'never';
  }
}

/**
 * The IPv4 addresses that some router or stack may take out of an IPv6 address and send to instead: IPv4-compatible (RFC
 * 4291), translated (RFC 2765), NAT64 (RFC 6052, also under the prefix for local use, RFC 8215), 6to4 (RFC 3056) and
 * Teredo (RFC 4380: server, and client with its bits turned round).
 */
function embedded(address: ipaddr.IPv6): number[][] {
  const bytes = address.toByteArray();
  const last = bytes.slice(12);
  if (address.range() === 'loopback' || address.range() === 'unspecified') return [];
  if (address.match(COMPATIBLE) || address.match(TRANSLATED) || address.match(NAT64)) return [last];
  if (address.match(SIX_TO_FOUR)) return [bytes.slice(2, 6)];
  if (address.match(TEREDO)) return [bytes.slice(4, 8), last.map((byte) => byte ^ 0xff)];
  if (address.match(NAT64_LOCAL)) {
    // Either the whole prefix is used (bytes 6, 7, 9, 10) or a /96 of it; an unused reading looks like 0.0.x.y.
    const short = [bytes[6]!, bytes[7]!, bytes[9]!, bytes[10]!];
    return [short, last].filter((reading) => reading[0] !== 0);
  }
  return [];
}

function splitZone(text: string): [string, string | undefined] {
  const at = text.indexOf('%');
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
