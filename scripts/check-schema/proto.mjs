// Compares two .proto files of the simple kind that scripts/generate.mjs writes.

const MESSAGE = /^message (\w+) \{([^}]*)\}/gm;
const FIELD = /^ {2}(optional|repeated) (\w+) (\w+) = (\d+);$/gm;

/** Message → number → `{ label, type, name }`. */
function parseProto(text) {
  const plain = text.replace(/^\s*\/\/.*$/gm, '');
  const messages = new Map();
  for (const [, name, body] of plain.matchAll(MESSAGE)) {
    const fields = new Map();
    let count = 0;
    for (const [, label, type, field, number] of body.matchAll(FIELD)) {
      count += 1;
      fields.set(Number(number), { label, type, name: field });
    }
    const lines = body.split('\n').filter((line) => line.trim() !== '').length;
    if (lines !== count) throw new Error(`message ${name}: a line that is no plain field`);
    if (fields.size !== count) throw new Error(`message ${name}: a number is used twice`);
    messages.set(name, fields);
  }
  const declared = plain.match(/^message /gm)?.length ?? 0;
  if (declared !== messages.size) throw new Error('a message that is not plain');
  return messages;
}

/** What is wrong with the step from `before` to `after`, a line each. */
export function compareProtos(before, after) {
  const now = parseProto(after);
  return [...parseProto(before)].flatMap(([message, fields]) => {
    const nowFields = now.get(message);
    if (nowFields === undefined) return [`message ${message} is gone`];
    return [...fields].flatMap(([number, field]) => {
      const nowField = nowFields.get(number);
      if (nowField === undefined) return [`${message}.${field.name}: number ${number} is gone`];
      return ['name', 'type', 'label']
        .filter((what) => field[what] !== nowField[what])
        .map((what) => `${message}, number ${number}: ${what} was ${field[what]}, is ${nowField[what]}`);
    });
  });
}
