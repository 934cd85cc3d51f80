// The tables between `<!-- generated:NAME -->` and `<!-- /generated -->` in docs/*.md. Prose around them is not touched.
import { level2Messages, wireOf } from './proto.mjs';
import { byName, fieldsOf, refName } from './spec.mjs';

/** docs file → its title if it has to be made, and its tables. */
const DOCS = {
  'docs/PROTOCOL.md': {
    title: 'The wire protocol',
    tables: (schemaOf) => ({
      'level1-batch-request': fieldTable(schemaOf('BatchRequest')),
      'level1-batch-op': fieldTable(schemaOf('BatchOp')),
      'level1-batch-response': fieldTable(schemaOf('BatchResponse')),
      'level1-tunnel-response': fieldTable(schemaOf('TunnelResponse')),
      'level1-single-request': fieldTable(schemaOf('SingleRequest')),
      ...Object.fromEntries(
        Object.entries(level2Messages(schemaOf)).map(([name, schema]) => [`level2-${kebab(name)}`, wireTable(schema)]),
      ),
      capabilities: capabilityTable(schemaOf('CapabilityBits')),
      events: eventTables(schemaOf('MillraceEvent')),
    }),
  },
  'docs/LIMITS.md': {
    title: 'Limits',
    tables: (schemaOf) => ({
      'wire-limits': limitTable(schemaOf('WireLimits')),
      ...configTables(schemaOf, 'limits', (schema) => schema.maximum !== undefined && schema.type === 'integer', false),
    }),
  },
  'docs/ERRORS.md': { title: 'Errors', tables: (schemaOf) => ({ errors: errorTable(schemaOf('ErrorCodes')) }) },
  'docs/CONFIG.md': {
    title: 'Configuration',
    tables: (schemaOf) => configTables(schemaOf, 'config', () => true, true),
  },
};

/** `read(path)` gives the present text of a file, if there is one. */
export function docFiles(schemaOf, read) {
  return Object.entries(DOCS).map(([path, { title, tables }]) => {
    const parts = Object.entries(tables(schemaOf));
    const present = read(path) ?? `# ${title}\n${parts.map(([name]) => `\n${open(name)}\n\n${CLOSE}\n`).join('')}`;
    return [path, parts.reduce((text, [name, table]) => fill(path, text, name, table), present)];
  });
}

const open = (name) => `<!-- generated:${name} -->`;
const CLOSE = '<!-- /generated -->';

function fill(path, text, name, table) {
  const start = text.indexOf(open(name));
  const end = text.indexOf(CLOSE, start);
  if (start === -1 || end === -1) throw new Error(`${path}: put ${open(name)} and ${CLOSE} where the table belongs`);
  return `${text.slice(0, start)}${open(name)}\n\n${table}\n\n${text.slice(end)}`;
}

/** A table as the formatter leaves it. */
function markdownTable(head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [
    line(cells[0]),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...cells.slice(1).map(line),
  ].join('\n');
}

const code = (text) => `\`${text}\``;
const kebab = (name) => name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
const number = (value) => value.toLocaleString('en-US');

/** What a field may hold, in words. */
function typeText(schema) {
  if (schema.$ref) return refName(schema.$ref);
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(JSON.stringify(value))).join(' or ');
  if (schema.type === 'array') return `array of ${typeText(schema.items)}`;
  if (schema.contentEncoding) return schema.contentEncoding;
  if (schema.type === 'integer') return `integer, ${range(schema)}`;
  if (schema.type === undefined) return 'anything';
  return schema.maxLength ? `${schema.type}, at most ${number(schema.maxLength)} characters` : schema.type;
}

const range = ({ minimum, maximum }) =>
  maximum === Number.MAX_SAFE_INTEGER
    ? `from ${number(minimum ?? 0)}`
    : `${number(minimum ?? 0)} to ${number(maximum)}`;

const fieldTable = (schema) =>
  markdownTable(
    ['field', 'type', 'required', 'meaning'],
    fieldsOf(schema).map((field) => [
      code(field.name),
      typeText(field.schema),
      field.required ? 'yes' : '',
      field.schema.description ?? '',
    ]),
  );

const wireTable = (schema) =>
  markdownTable(
    ['no.', 'field', 'type', 'required', 'meaning'],
    fieldsOf(schema).map((field) => {
      const { type, repeated } = wireOf(field.schema, field.name);
      return [
        field.schema.field,
        code(field.name),
        repeated ? `repeated ${type}` : type,
        field.required ? 'yes' : '',
        field.schema.description,
      ];
    }),
  );

const capabilityTable = (schema) =>
  markdownTable(
    ['bit', 'name', 'meaning'],
    fieldsOf(schema).map((field) => [field.schema.bit, code(field.name), field.schema.description]),
  );

function eventTables(schema) {
  const names = schema.anyOf.map(({ $ref }) => refName($ref));
  const shared = Object.keys(schema.definitions).filter((name) => !names.includes(name));
  const section = (name, title) => {
    const definition = schema.definitions[name];
    const rows = fieldsOf(definition).filter((field) => field.name !== 'event');
    const table = markdownTable(
      ['field', 'type', 'required', 'meaning'],
      rows.map((field) => [
        code(field.name),
        eventType(field.schema),
        field.required ? 'yes' : '',
        field.schema.description ?? '',
      ]),
    );
    return `#### ${title}\n\n${definition.description}\n\n${table}`;
  };
  return [
    ...names.map((name) => section(name, code(schema.definitions[name].properties.event.const))),
    ...shared.map((name) => section(name, name)),
  ].join('\n\n');
}

const eventType = (schema) => (schema.type === 'integer' ? 'integer' : typeText(schema));

const limitTable = (schema) =>
  markdownTable(
    ['limit', 'value', 'unit', 'why'],
    fieldsOf(schema).map((field) => [
      code(field.name),
      number(field.schema.value),
      field.schema.unit,
      field.schema.description,
    ]),
  );

const errorTable = (schema) =>
  markdownTable(
    ['code', 'meaning', 'ended by', 'what to do'],
    fieldsOf(schema).map((field) => [code(field.name), field.schema.description, field.schema.by, field.schema.next]),
  );

/** One table per section of the configuration and per kind of entry in it. */
function configTables(schemaOf, prefix, wanted, all) {
  const { definitions, ...config } = schemaOf('MillraceConfig');
  const sections = fieldsOf(config)
    .filter((field) => field.schema.$ref)
    .map((field) => refName(field.schema.$ref));
  const entries = Object.keys(definitions)
    .filter((name) => !sections.includes(name))
    .sort(byName);
  const tables = [...sections, ...entries].map((name) => {
    const rows = fieldsOf(definitions[name]).filter((field) => wanted(field.schema));
    const table = markdownTable(
      ['option', 'default', 'allowed', 'meaning'],
      rows.map((field) => [
        code(field.name),
        field.schema.default === undefined
          ? field.required
            ? 'required'
            : ''
          : code(JSON.stringify(field.schema.default)),
        typeText(field.schema),
        field.schema.description,
      ]),
    );
    return [`${prefix}-${kebab(name.replace(/Config$/, ''))}`, rows.length, table];
  });
  return Object.fromEntries(tables.filter(([, count]) => all || count > 0).map(([name, , table]) => [name, table]));
}
