import type { CliError } from '../errors.js';
import type { Io } from '../io.js';

/** Prints a failure for a person: code, what, where, what to do. A stack only for a bug, and only where it is asked for. */
export function printError(io: Pick<Io, 'stderr' | 'env'>, error: CliError): void {
  const lines = [`error: ${error.code}: ${error.message}`];
  if (error.where !== undefined) lines.push(`where: ${error.where}`);
  lines.push(`next:  ${error.next}`);
  if (error.code === 'INTERNAL') {
    const { cause } = error;
    const stack = cause instanceof Error ? cause.stack : undefined;
    lines.push(io.env.MILLRACE_DEBUG === '1' ? (stack ?? String(cause)) : 'MILLRACE_DEBUG=1 prints where it happened.');
  }
  io.stderr.write(`${lines.join('\n')}\n`);
}
