// One plain value for each field name of the wire. A new field needs a line here, or takes the value of its type.

const LEVEL1 = {
  k: 'an-access-key-of-32-characters-ok',
  t: 'batch',
  op: 'version',
  sid: '0b0e7f7a-5d0a-4c3e-9b1e-2f3a4b5c6d7e',
  host: 'example.org',
  port: 443,
  d: 'aGVsbG8=',
  data: 'aGVsbG8=',
  pkts: ['AQ==', 'AQI=', 'AQID'],
  eof: true,
  seq: 7,
  wseq: 3,
  caps: 1,
  cid: 'AAECAwQFBgcICQoLDA0ODw==',
  e: 'no route to host',
  code: 'DIAL_HOST_UNREACHABLE',
  v: '0.1.0',
  node: 'Z3J1ZXp1',
  now: 1_700_000_000_000,
};

const LEVEL2 = {
  n: 5,
  cid: '000102030405060708090a0b0c0d0e0f',
  epoch: 'a0a1a2a3a4a5a6a700000001',
  answers: 4,
  again: true,
  hold: 15_000,
  max: 1_048_576,
  caps: 7,
  from: 3,
  to: 300,
  sid: 2,
  off: 1_099_511_627_776,
  d: '68656c6c6f',
  fin: true,
  rst: 'TARGET_RESET',
  ack: 9_007_199_254_740_991,
  credit: 16_777_216,
  host: 'example.org',
  port: 443,
  kind: 0,
  code: 'DIAL_REFUSED',
  address: '192.0.2.1',
};

const BY_JSON_TYPE = { string: 'text', integer: 1, number: 1.5, boolean: true };
const BY_WIRE_TYPE = { uint64: 1, uint32: 1, bool: true, string: 'text', bytes: '00' };

export function level1Sample(name, schema) {
  if (name in LEVEL1) return LEVEL1[name];
  if (!(schema.type in BY_JSON_TYPE)) throw new Error(`scripts/vectors/samples.mjs needs a value for ${name}`);
  return BY_JSON_TYPE[schema.type];
}

export const level2Sample = ({ name, type }) => LEVEL2[name] ?? BY_WIRE_TYPE[type];
