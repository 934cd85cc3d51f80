import type { RelayEntry, UpConfig } from '@millrace/protocol';
import { CliError } from '../errors.js';
import { relayLabel } from '../relay-label.js';

/**
 * Checks what the schema cannot say: options that need or exclude each other.
 * @throws CliError CONFIG_INVALID
 */
export function checkUp(up: UpConfig): void {
  const relays = up.relays?.length ?? 0;
  if (up.embedded && relays > 0) {
    throw wrong(
      'embedded runs its own node and relay, and relays were given too',
      '--embedded, --relay',
      'Leave one of them out.',
    );
  }
  if (up.embedded && up.stateFile) {
    throw wrong(
      'what runs within this process is forgotten with it, and a file to keep it in was given',
      '--embedded, --state-file',
      'Leave one of them out.',
    );
  }
  if (!up.embedded && relays === 0) {
    const next = 'Add `--relay URL`, or `--embedded` to try Millrace on this machine alone.';
    throw wrong('no relay was given, so there is no way to a node', '--relay', next);
  }
  up.relays?.forEach(checkRelay);
  checkAccounts(up);
  if (up.allowPrivate && !up.embedded) {
    const next = 'Give `--allow-private` to `millrace node`, where targets are dialled.';
    throw wrong('only the node decides about private targets', '--allow-private', next);
  }
  if ((up.proxyUser === undefined) !== (up.proxyPasswordFile === undefined)) {
    const next = 'Give both, or neither.';
    throw wrong('a proxy user needs a password, and a password a user', '--proxy-user, --proxy-password-file', next);
  }
  if (!up.socks && !up.http && !up.forward?.length) {
    throw wrong(
      'nothing to listen on: no SOCKS5 proxy, no HTTP proxy, no forward',
      '--socks, --http, --forward',
      'Give one.',
    );
  }
}

function checkRelay({ url, kind, token, tokenFile }: RelayEntry): void {
  if (kind === 'node' || token !== undefined || tokenFile !== undefined) return;
  const what = kind === 'script' ? 'a script needs the key that it checks' : 'a relay needs its token';
  const next = 'Add `,token-file=FILE` to it; or `,kind=node` if the node itself answers at that address.';
  throw wrong(`${what}: ${relayLabel(url)} has none`, '--relay', next);
}

/** An account that no relay names bounds nothing, whatever was meant. */
function checkAccounts({ accounts = [], relays = [] }: UpConfig): void {
  const idle = accounts.find(({ name }) => !relays.some(({ account }) => account === name));
  if (!idle) return;
  const next = `Add \`,account=${idle.name}\` to each relay that it pays for, or leave the account out.`;
  throw wrong(`no relay belongs to the account "${idle.name}", so that it bounds nothing`, '--account, --relay', next);
}

function wrong(message: string, where: string, next: string): CliError {
  return new CliError('CONFIG_INVALID', message, { where, next });
}
