import type { ErrorCode } from '@millrace/protocol';

/** Every exit code of the command, what it means, and which error codes end in it. docs/CLI.md shows this table. */
export const EXIT = {
  ok: { code: 0, text: 'done, or served and was stopped cleanly by a signal' },
  checkFailed: { code: 1, text: 'a check of `doctor` failed, or something that `bench` measured' },
  usage: { code: 2, text: 'the command line is wrong: unknown command, flag or value' },
  config: { code: 3, text: 'the configuration is wrong: a key, a value, or two that do not go together' },
  key: { code: 4, text: 'an access key or relay token is missing or too weak' },
  address: { code: 5, text: 'a local address is in use or cannot be bound' },
  file: { code: 6, text: 'a file cannot be read or written' },
  network: { code: 7, text: 'a relay, node or target failed' },
  internal: { code: 70, text: 'a bug in Millrace' },
  interrupted: { code: 130, text: 'stopped at once by SIGINT: the first before it serves, else a second' },
  terminated: { code: 143, text: 'stopped at once by SIGTERM: the first before it serves, else a second' },
} as const;

const EXIT_BY_ERROR: Partial<Record<ErrorCode, number>> = {
  USAGE: EXIT.usage.code,
  CONFIG_INVALID: EXIT.config.code,
  CONFIG_UNKNOWN_KEY: EXIT.config.code,
  PROXY_OPEN: EXIT.config.code,
  KEY_MISSING: EXIT.key.code,
  KEY_WEAK: EXIT.key.code,
  ADDRESS_IN_USE: EXIT.address.code,
  ADDRESS_UNAVAILABLE: EXIT.address.code,
  FILE_UNREADABLE: EXIT.file.code,
  INTERNAL: EXIT.internal.code,
};

/** The exit code of a command that failed with this error code. */
export function exitCodeOf(code: ErrorCode): number {
  return EXIT_BY_ERROR[code] ?? EXIT.network.code;
}

/** The table as text, one line a code, for `--help`. */
export function exitCodeTable(): string {
  return Object.values(EXIT)
    .map(({ code, text }) => `  ${String(code).padEnd(4)} ${text}`)
    .join('\n');
}
