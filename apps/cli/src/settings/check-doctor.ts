import { parseHostPort, type DoctorConfig } from '@millrace/protocol';
import { CliError } from '../errors.js';

/** Checks what the schema cannot say of the doctor's own options. @throws CliError CONFIG_INVALID */
export function checkDoctor({ ipv6Target }: DoctorConfig): void {
  if (!ipv6Target || parseHostPort(ipv6Target).host.includes(':')) return;
  const next = 'Give an address, such as `[2001:db8::1]:443`; a name would not show which family was used.';
  throw new CliError('CONFIG_INVALID', `${ipv6Target} is not an IPv6 address and port`, {
    where: '--ipv6-target',
    next,
  });
}
