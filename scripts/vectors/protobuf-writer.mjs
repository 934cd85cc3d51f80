// A protobuf writer of its own, so that the vectors do not come from the codec that they test.
// https://protobuf.dev/programming-guides/encoding/

/** Any number that is no negative one; beyond 2^53 give a bigint. */
export function varint(number) {
  const bytes = [];
  let rest = BigInt(number);
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

const tag = (number, wireType) => varint(number * 8 + wireType);
const delimited = (bytes) => [...varint(bytes.length), ...bytes];

/** A field of each wire type. */
export const field = {
  varint: (number, value) => [...tag(number, 0), ...varint(value)],
  fixed64: (number) => [...tag(number, 1), 1, 2, 3, 4, 5, 6, 7, 8],
  bytes: (number, bytes) => [...tag(number, 2), ...delimited(bytes)],
  group: (number) => [...tag(number, 3), ...tag(number, 4)],
  fixed32: (number) => [...tag(number, 5), 1, 2, 3, 4],
};

const fromHex = (hex) => [...Buffer.from(hex, 'hex')];
export const toHex = (bytes) => Buffer.from(bytes).toString('hex');

/** One field of a message by its description: `{ number, type, message, repeated }`. Bytes are given as hex. */
export function writeField({ number, type, message, repeated }, value, tables) {
  if (message) {
    return (repeated ? value : [value]).flatMap((item) => field.bytes(number, writeMessage(type, item, tables)));
  }
  if (type === 'bytes') return field.bytes(number, fromHex(value));
  if (type === 'string') return field.bytes(number, [...Buffer.from(value)]);
  return field.varint(number, Number(value));
}

/** A message of type `name`; `tables` gives the fields of each type. */
export const writeMessage = (name, value, tables) =>
  tables[name].flatMap((entry) =>
    value[entry.name] === undefined ? [] : writeField(entry, value[entry.name], tables),
  );
