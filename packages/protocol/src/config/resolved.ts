import type { DefaultedKey } from '../gen/config-schema.js';

/** `T` with the keys that have a default always there, in sections, their entries, and picks of them. */
export type Resolved<T> = T extends readonly (infer Item)[]
  ? Resolved<Item>[]
  : T extends object
    ? { [K in keyof T as Extract<K, DefaultedKey>]-?: Resolved<NonNullable<T[K]>> } & {
        [K in keyof T as Exclude<K, DefaultedKey>]: Resolved<T[K]>;
      }
    : T;
