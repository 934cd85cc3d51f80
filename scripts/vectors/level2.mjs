// Vectors of level 2. Bytes are hex, also within values.
import { level2Messages, wireOf } from '../generate/proto.mjs';
import { fieldsOf } from '../generate/spec.mjs';
import { field as wire, toHex, varint, writeField, writeMessage } from './protobuf-writer.mjs';
import { level2Sample } from './samples.mjs';

/** How a message other than the packet is carried by one: as value, and as the bytes of that message. */
const CARRIED = {
  PacketRange: { value: (inner) => ({ got: [inner] }), bytes: (inner) => wire.bytes(6, inner) },
  Segment: { value: (inner) => ({ segments: [inner] }), bytes: (inner) => wire.bytes(11, inner) },
  SegmentOpen: { value: (inner) => inSegment({ open: inner }), bytes: (inner) => segmentBytes(2, inner) },
  SegmentOpened: { value: (inner) => inSegment({ opened: inner }), bytes: (inner) => segmentBytes(3, inner) },
  SegmentDatagram: { value: (inner) => inSegment({ datagrams: [inner] }), bytes: (inner) => segmentBytes(10, inner) },
};

const inSegment = (fields) => ({ segments: [{ sid: 1, ...fields }] });
const segmentBytes = (number, inner) => wire.bytes(11, [...wire.varint(1, 1), ...wire.bytes(number, inner)]);

const table = (schema) =>
  fieldsOf(schema).map(({ name, required, schema: { field, exactBytes, ...rest } }) =>
    Object.assign({ name, number: field, required, exactBytes }, wireOf(rest, name)),
  );

/** Message → its fields. */
const level2Tables = (schemaOf) =>
  Object.fromEntries(Object.entries(level2Messages(schemaOf)).map(([name, schema]) => [name, table(schema)]));

/** A message of those fields for which `wanted` says yes, by default the required ones. */
function sampleMessage(tables, name, wanted = (field) => field.required) {
  return Object.fromEntries(
    tables[name].filter(wanted).map((field) => {
      if (!field.message) return [field.name, level2Sample(field)];
      const inner = sampleMessage(tables, field.type);
      return [field.name, field.repeated ? [inner, inner] : inner];
    }),
  );
}

export function packetVectors(schemaOf) {
  const tables = level2Tables(schemaOf);
  const head = sampleMessage(tables, 'Packet');
  const headBytes = writeMessage('Packet', head, tables);
  const around = {
    value: (name, inner) => (name === 'Packet' ? inner : { ...head, ...CARRIED[name].value(inner) }),
    bytes: (name, inner) => (name === 'Packet' ? inner : [...headBytes, ...CARRIED[name].bytes(inner)]),
  };
  const names = Object.keys(tables);
  return [
    ...names.flatMap((name) => present(tables, name, around)),
    ...names.flatMap((name) => withUnknownFields(tables, name, around)),
    ...names.flatMap((name) =>
      tables[name].flatMap((field) =>
        wrongFields(tables, name, field).map((wrong) => ({
          name: `${name} ${wrong.name}`,
          bytes: toHex(around.bytes(name, wrong.bytes)),
          error: 'PACKET_INVALID',
        })),
      ),
    ),
    ...byHand(head, headBytes),
  ];
}

/** The required fields alone, with each of the others, with all. */
function present(tables, name, around) {
  const vector = (what, wanted) => {
    const value = around.value(name, sampleMessage(tables, name, wanted));
    return { name: `${name} with ${what}`, bytes: toHex(writeMessage('Packet', value, tables)), value };
  };
  const optional = tables[name].filter((field) => !field.required);
  return [
    vector('only what is required', (field) => field.required),
    ...optional.map((field) => vector(field.name, (other) => other.required || other === field)),
    vector('every field', () => true),
  ];
}

function withUnknownFields(tables, name, around) {
  const value = sampleMessage(tables, name);
  const unknown = {
    varint: wire.varint(29, 2n ** 64n - 1n),
    fixed64: wire.fixed64(30),
    bytes: wire.bytes(1000, [1, 2]),
    fixed32: wire.fixed32(31),
  };
  return Object.entries(unknown).map(([type, bytes]) => ({
    name: `${name} with an unknown field of type ${type}`,
    bytes: toHex(around.bytes(name, [...bytes, ...writeMessage(name, value, tables)])),
    value: around.value(name, value),
    readOnly: true,
  }));
}

/** Every way to get one field of a message wrong, as bytes of that message. */
function wrongFields(tables, name, field) {
  const others = writeMessage(
    name,
    sampleMessage(tables, name, (other) => other.required && other !== field),
    tables,
  );
  const once = writeField(field, sampleMessage(tables, name, (other) => other === field)[field.name], tables);
  const { number, type, exactBytes } = field;
  const isNumber = type === 'uint64' || type === 'uint32' || type === 'bool';
  const wrong = { 'of the wrong wire type': isNumber ? wire.bytes(number, [1]) : wire.varint(number, 1) };
  if (!field.repeated) wrong['twice'] = [...once, ...once];
  if (type === 'uint64') wrong['2^53'] = wire.varint(number, 2n ** 53n);
  if (type === 'uint32') wrong['2^32'] = wire.varint(number, 2n ** 32n);
  if (type === 'bool') wrong['2'] = wire.varint(number, 2);
  if (field.name === 'port') {
    wrong['0'] = wire.varint(number, 0);
    wrong['65536'] = wire.varint(number, 65_536);
  }
  if (type === 'string') {
    wrong['too long'] = wire.bytes(number, filled(256));
    wrong['not UTF-8'] = wire.bytes(number, [0xff]);
  }
  if (exactBytes) {
    wrong['a byte short'] = wire.bytes(number, filled(exactBytes - 1));
    wrong['a byte long'] = wire.bytes(number, filled(exactBytes + 1));
  }
  const vectors = Object.entries(wrong).map(([what, bytes]) => ({
    name: `with ${field.name} ${what}`,
    bytes: others.concat(bytes),
  }));
  return field.required ? [{ name: `without ${field.name}`, bytes: others }].concat(vectors) : vectors;
}

const filled = (length) => Array.from({ length }, () => 0x61);

const invalid = (name, bytes) => ({ name, bytes: toHex(bytes), error: 'PACKET_INVALID' });

/** What no rule gives. `head` is the least packet: `n` 5 in its first two bytes. */
function byHand(head, bytes) {
  const rest = bytes.slice(2);
  const endsBeforeItBegins = [...wire.varint(1, 5), ...wire.varint(2, 4)];
  return [
    invalid('nothing', []),
    invalid('cut within a field', bytes.slice(0, -1)),
    invalid('a length beyond the end', [...bytes, ...varint(11 * 8 + 2), 100, 8, 1]),
    invalid('an inner length beyond its message', [...bytes, ...wire.bytes(11, [8, 1, ...varint(5 * 8 + 2), 9, 1])]),
    invalid('an unknown field beyond the end', [...bytes, ...wire.fixed64(30).slice(0, -1)]),
    invalid('a group', [...bytes, ...wire.group(30)]),
    invalid('field number 0', [...bytes, 0, 0]),
    invalid('a number of eleven bytes', [8, ...Array.from({ length: 10 }, () => 0x80), 1, ...rest]),
    invalid('a range in got that ends before it begins', [...bytes, ...wire.bytes(6, endsBeforeItBegins)]),
    invalid('a range in lost that ends before it begins', [...bytes, ...wire.bytes(7, endsBeforeItBegins)]),
    {
      name: 'fields in another order',
      bytes: toHex([...wire.bytes(11, [8, 1]), ...bytes]),
      value: { ...head, segments: [{ sid: 1 }] },
      readOnly: true,
    },
    {
      name: 'a number with more bytes than it needs',
      bytes: toHex([8, 0x85, 0x80, 0, ...rest]),
      value: head,
      readOnly: true,
    },
    { name: 'the number 0 is written', bytes: toHex([8, 0, ...rest]), value: { ...head, n: 0 } },
    {
      name: 'an empty datagram is written',
      bytes: toHex([...bytes, ...segmentBytes(10, [8, 0, 0x12, 0])]),
      value: { ...head, ...inSegment({ datagrams: [{ n: 0, d: '' }] }) },
    },
  ];
}

export function bodyVectors(schemaOf) {
  const tables = level2Tables(schemaOf);
  const packet = toHex(writeMessage('Packet', sampleMessage(tables, 'Packet'), tables));
  const token = 'c0'.repeat(32);
  const request = { kind: 'request', token, packet };
  const response = { kind: 'response', packet };
  return [
    { name: 'a request', bytes: `01${token}${packet}`, ...request, text: false },
    { name: 'a request as text', bytes: asText(`01${token}${packet}`), ...request, text: true },
    { name: 'a response', bytes: `01${packet}`, ...response, text: false },
    { name: 'a response as text', bytes: asText(`01${packet}`), ...response, text: true },
    { name: 'nothing', bytes: '', kind: 'request', error: 'BODY_EMPTY' },
    { name: 'a request cut within its token', bytes: `01${token.slice(2)}`, kind: 'request', error: 'BODY_TRUNCATED' },
    { name: 'a sealed body', bytes: '0200', kind: 'request', error: 'PEER_VERSION' },
    { name: 'a sealed body as text', bytes: asText('020000'), kind: 'response', error: 'PEER_VERSION' },
    { name: 'text that is not base64', bytes: toHex(Buffer.from('AQ-_')), kind: 'response', error: 'BASE64_INVALID' },
    { name: 'text with a line end', bytes: toHex(Buffer.from('AQEB\n')), kind: 'response', error: 'BASE64_INVALID' },
    { name: 'text of another form', bytes: toHex(Buffer.from('AAAA')), kind: 'response', error: 'BODY_UNKNOWN_FORM' },
    { name: 'JSON', bytes: '7b7d', kind: 'request', error: 'BODY_UNKNOWN_FORM' },
  ];
}

/** Hex of bytes → hex of their base64 text. */
const asText = (hex) => toHex(Buffer.from(Buffer.from(hex, 'hex').toString('base64')));
