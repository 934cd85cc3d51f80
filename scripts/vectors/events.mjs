// Vectors of the events: valid or not.
import { fieldsOf, refName } from '../generate/spec.mjs';

export function eventVectors(schemaOf) {
  const schema = schemaOf('MillraceEvent');
  return schema.anyOf.flatMap(({ $ref }) => eventsOfOneKind(schema, schema.definitions[refName($ref)]));
}

function eventsOfOneKind(schema, definition) {
  const { const: name } = definition.properties.event;
  const [required, optional] = [true, false].map((wanted) =>
    fieldsOf(definition).filter((field) => field.required === wanted),
  );
  const vector = (what, value, valid) => ({ name: `${name} ${what}`, text: JSON.stringify(value), valid });
  const all = sampleEvent(schema, definition, () => true);
  return [
    vector(
      'with only what is required',
      sampleEvent(schema, definition, (field) => field.required),
      true,
    ),
    ...optional.map((field) =>
      vector(
        `with ${field.name}`,
        sampleEvent(schema, definition, (other) => other.required || other.name === field.name),
        true,
      ),
    ),
    vector('with an unknown field', { ...all, unknown: 1 }, true),
    ...required.map((field) =>
      vector(
        `without ${field.name}`,
        sampleEvent(schema, definition, (other) => other.name !== field.name),
        false,
      ),
    ),
  ];
}

const BY_TYPE = { string: 'text', integer: 1, number: 1.5, boolean: true };

function sampleEvent(schema, definition, wanted) {
  const valueOf = (inner) => {
    if (inner.$ref) return sampleEvent(schema, schema.definitions[refName(inner.$ref)], () => true);
    if (inner.type === 'array') return [valueOf(inner.items)];
    return inner.const ?? inner.enum?.[0] ?? BY_TYPE[inner.type];
  };
  const fields = fieldsOf(definition).filter((field) => wanted(field));
  return Object.fromEntries(fields.map((field) => [field.name, valueOf(field.schema)]));
}
