import { ERROR_CODES, type CheckEvent, type ErrorCode } from '@millrace/protocol';
import { toCliError } from '../errors.js';
import type { Output } from '../output/output.js';

/** What a check found. */
export type Finding = Passed | Failed;

export interface Passed {
  readonly ok: true;
  readonly message: string;
}

export interface Failed {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  /** What to do, where it is more precise than what the code says. */
  readonly next?: string;
  /** The tunnel works without it. */
  readonly warning?: boolean;
}

export function passed(message: string): Passed {
  return { ok: true, message };
}

export function failed(code: ErrorCode, message: string, more: Pick<Failed, 'next' | 'warning'> = {}): Failed {
  return { ok: false, code, message, ...more };
}

/** Runs checks one after the other, prints each, and counts. */
export class Checklist {
  readonly #output: Output;
  #count = 0;
  #failed = 0;
  #warnings = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Checks that failed, without warnings. */
  get failed(): number {
    return this.#failed;
  }

  get warnings(): number {
    return this.#warnings;
  }

  /** Runs a check and prints what it found. Whatever it throws is what it found. */
  async check(name: string, run: () => Promise<Finding> | Finding, relay?: string): Promise<Finding> {
    const began = performance.now();
    let finding: Finding;
    try {
      finding = await run();
    } catch (error) {
      const { code, message, next } = toCliError(error);
      finding = failed(code, message, { next });
    }
    this.#print(name, finding, performance.now() - began, relay);
    return finding;
  }

  /** Prints a finding that came out of another one's work. */
  found(name: string, finding: Finding, relay?: string): Finding {
    this.#print(name, finding, 0, relay);
    return finding;
  }

  /** One line about all of them. */
  summary(): string {
    const warnings = this.#warnings === 0 ? '' : `, ${this.#warnings} ${this.#warnings === 1 ? 'warning' : 'warnings'}`;
    const outcome = this.#failed === 0 ? 'none failed' : `${this.#failed} failed`;
    return `${this.#count} checks, ${outcome}${warnings}.`;
  }

  #print(name: string, finding: Finding, ms: number, relay: string | undefined): void {
    this.#count += 1;
    if (!finding.ok && finding.warning) this.#warnings += 1;
    else if (!finding.ok) this.#failed += 1;
    this.#output.event({ event: 'check', name, ...(relay === undefined ? {} : { relay }), ...detail(finding), ms });
  }
}

function detail(finding: Finding): Pick<CheckEvent, 'ok' | 'warning' | 'code' | 'message' | 'next'> {
  const { message } = finding;
  if (finding.ok) return { ok: true, message };
  const warning = finding.warning ? { warning: true } : {};
  return { ok: false, ...warning, code: finding.code, message, next: finding.next ?? ERROR_CODES[finding.code].next };
}
