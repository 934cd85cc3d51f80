// Vectors of the level 1 messages.
import { fieldsOf } from '../generate/spec.mjs';
import * as byHand from './by-hand.mjs';
import { level1Sample } from './samples.mjs';

/** File name → vectors. */
export const level1Vectors = (schemaOf) => ({
  'level1-batch-request': batchRequests(schemaOf),
  'level1-batch-response': batchResponses(schemaOf),
  'level1-single-request': messages(schemaOf('SingleRequest'), byHand.OLDER_SINGLE_REQUESTS),
  'level1-tunnel-response': messages(schemaOf('TunnelResponse'), byHand.OLDER_RESPONSES.flatMap(firstReply)),
});

/** A text that encodes from its own value and decodes to it. */
const both = ([name, text]) => ({ name, text, value: JSON.parse(text) });
const bothOf = (name, value) => both([name, JSON.stringify(value)]);
/** A text that decodes to a value, though no encoder writes it so. */
const readOnly = ([name, text, value]) => ({ name, text, value, readOnly: true });
/** A text that is refused. */
export const withCode = ([name, text, error]) => ({ name, text, error });
const refused = ([name, text]) => withCode([name, text, 'MESSAGE_INVALID']);
const refusedOf = ({ name, value }) => refused([name, JSON.stringify(value)]);

function firstReply([name, text]) {
  const reply = JSON.parse(text).r?.[0];
  return reply === undefined ? [] : [[name, JSON.stringify(reply)]];
}

/** Fields that are written. */
const written = (schema) => fieldsOf(schema).filter((field) => !('reserved' in field.schema));

/** An object of the fields for which `wanted` says yes, in the order of the spec; `samples` replaces their values. */
const sampleObject = (schema, wanted, samples = {}) =>
  Object.fromEntries(
    written(schema)
      .filter(wanted)
      .map(({ name, schema: inner }) => [name, samples[name] ?? level1Sample(name, inner)]),
  );

/** The required fields alone, with each of the others, with all. */
function present(schema, samples) {
  const with_ = (name) => sampleObject(schema, (field) => field.required || field.name === name, samples);
  const optional = written(schema).filter((field) => !field.required);
  return [
    { name: 'with only what is required', value: with_(undefined) },
    ...optional.map(({ name }) => ({ name: `with ${name}`, value: with_(name) })),
    { name: 'with every field', value: sampleObject(schema, () => true, samples) },
  ];
}

/** Every way to get one field wrong. Fields with a given sample are left alone. */
function wrongObjects(schema, samples = {}) {
  const all = sampleObject(schema, () => true, samples);
  return written(schema)
    .filter((field) => !(field.name in samples))
    .flatMap(({ name: field, required, schema: inner }) => {
      const wrong = wrongValues(inner).map((value) => ({
        field,
        name: `with ${field} ${JSON.stringify(value).slice(0, 20)}`,
        value: { ...all, [field]: value },
      }));
      const { [field]: _, ...without } = all;
      return required ? [{ field, name: `without ${field}`, value: without }].concat(wrong) : wrong;
    });
}

/** Values that a field must not have. */
function wrongValues(schema) {
  const wrong = schema.type === 'string' ? [5] : schema.type === 'array' ? ['text', [5]] : ['text'];
  if (schema.type === 'integer') wrong.push(1.5, schema.minimum - 1, schema.maximum + 1);
  if (schema.maxLength) wrong.push('x'.repeat(schema.maxLength + 1));
  if (schema.minLength) wrong.push('');
  if (schema.const !== undefined) wrong.push(`not ${schema.const}`);
  return wrong;
}

/** Vectors of a message that is a body by itself. */
function messages(schema, older) {
  const all = sampleObject(schema, () => true);
  return [
    ...present(schema).map(({ name, value }) => bothOf(name, value)),
    ...older.map(both),
    readOnly(['with an unknown field', JSON.stringify({ ...all, unknown: { a: [1] } }), all]),
    ...wrongObjects(schema).map(refusedOf),
    ...byHand.BROKEN_BODIES.map(withCode),
  ];
}

const request = (ops) => ({ k: level1Sample('k'), t: 'batch', ops });

function batchRequests(schemaOf) {
  const op = schemaOf('BatchOp');
  const envelope = schemaOf('BatchRequest');
  return [
    ...present(envelope, { ops: [{ op: 'version' }] }).map(({ name, value }) => bothOf(name, value)),
    ...present(op).map(({ name, value }) => bothOf(`op ${name}`, request([value]))),
    ...byHand.OLDER_REQUESTS.map(both),
    ...byHand.READ_ONLY_REQUESTS.map(readOnly),
    ...wrongObjects(op).map(({ field, name, value }) => {
      const answer = field === 'seq' ? { invalid: field } : { invalid: field, seq: value.seq };
      return readOnly([`op ${name}`, JSON.stringify(request([value])), request([answer])]);
    }),
    ...wrongObjects(envelope, { ops: [] }).map(refusedOf),
    ...byHand.REFUSED_REQUESTS.map(refused),
    ...byHand.BROKEN_BODIES.map(withCode),
  ];
}

function batchResponses(schemaOf) {
  const reply = schemaOf('TunnelResponse');
  const envelope = schemaOf('BatchResponse');
  return [
    // Without any field it is refused, see REFUSED_RESPONSES; `code` alone says nothing either.
    ...present(envelope, { r: [{ sid: 's1' }] })
      .filter(({ value }) => 'r' in value || 'e' in value)
      .map(({ name, value }) => bothOf(name, value)),
    ...present(reply).map(({ name, value }) => bothOf(`reply ${name}`, { r: [value] })),
    ...byHand.OLDER_RESPONSES.map(both),
    ...byHand.READ_ONLY_RESPONSES.map(readOnly),
    ...wrongObjects(reply).map(({ field, name, value }) =>
      readOnly([`reply ${name}`, JSON.stringify({ r: [value] }), { r: [{ invalid: field }] }]),
    ),
    ...wrongObjects(envelope, { r: [] }).map(refusedOf),
    ...byHand.REFUSED_RESPONSES.map(refused),
    ...byHand.BROKEN_BODIES.map(withCode),
  ];
}
