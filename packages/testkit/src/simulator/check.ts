import { SimulatorError } from './error.js';

/** What a number may be. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

/** Reads the values of one object, each checked; an error names the option by its path. */
export class OptionReader {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** @throws SimulatorError for what is no object, or has other keys than the known ones. */
  constructor(value: unknown, path: string, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new SimulatorError('CONFIG_INVALID', path, `must be an object, not ${shown(value)}`);
    }
    this.#values = value as Record<string, unknown>;
    this.#path = path;
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      throw new SimulatorError('CONFIG_UNKNOWN_KEY', this.at(unknown), `is not known; known are ${known.join(', ')}`);
    }
  }

  /** The path of a key. */
  at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }

  /** A value as it is, undefined where it is absent. */
  get(key: string): unknown {
    return this.#values[key];
  }

  number(key: string, fallback: number, range: NumberRange): number {
    const value = this.#values[key];
    return value === undefined ? fallback : numberOf(value, this.at(key), range);
  }

  range(key: string, fallback: readonly [number, number], range: NumberRange): readonly [number, number] {
    const value = this.#values[key];
    return value === undefined ? fallback : rangeOf(value, this.at(key), range);
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== 'boolean') this.#wrong(key, `must be true or false, not ${shown(value)}`);
    return value;
  }

  text(key: string): string | undefined {
    const value = this.#values[key];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      this.#wrong(key, `must be a string that is not empty, not ${shown(value)}`);
    }
    return value;
  }

  list(key: string, mostItems: number): readonly unknown[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value)) this.#wrong(key, `must be a list, not ${shown(value)}`);
    if (value.length > mostItems) this.#wrong(key, `has ${value.length} items; ${mostItems} are the most`);
    return value;
  }

  #wrong(key: string, problem: string): never {
    throw new SimulatorError('CONFIG_INVALID', this.at(key), problem);
  }
}

/** @throws SimulatorError where it is no number of that range. */
export function numberOf(value: unknown, path: string, { least, most, whole }: NumberRange): number {
  const right = typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (right) return value;
  const kind = whole ? 'a whole number' : 'a number';
  throw new SimulatorError('CONFIG_INVALID', path, `must be ${kind} from ${least} to ${most}, not ${shown(value)}`);
}

/** @throws SimulatorError where it is not two numbers of that range, the smaller first. */
export function rangeOf(value: unknown, path: string, range: NumberRange): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new SimulatorError('CONFIG_INVALID', path, `must be a list of two numbers, not ${shown(value)}`);
  }
  const low = numberOf(value[0], `${path}[0]`, range);
  const high = numberOf(value[1], `${path}[1]`, range);
  if (low > high) throw new SimulatorError('CONFIG_INVALID', path, `must have the smaller number first`);
  return [low, high];
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  // Options come from JSON, in which everything else has a text.
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `a ${typeof value} of ${text.length} characters` : text;
}
