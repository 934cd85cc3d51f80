import { formatHostPort, type PeerEvent, type RelayEntry } from '@millrace/protocol';
import { parseForward } from '@millrace/protocol/config';
import { Checklist, passed } from '../doctor/checklist.js';
import { checkLocalPort } from '../doctor/local-ports.js';
import { nodesFinding } from '../doctor/probe.js';
import { checkRelay } from '../doctor/relay.js';
import { checkState } from '../doctor/state.js';
import { startEmbedded } from '../embedded.js';
import { EXIT } from '../exit-codes.js';
import { relayLabels } from '../relay-label.js';
import { Closers } from '../serve.js';
import { checkDoctor } from '../settings/check-doctor.js';
import { checkUp } from '../settings/check-up.js';
import { secretReader } from '../settings/secrets.js';
import { doctorSettings, upSettings, type Given } from '../settings/section.js';
import { configOf, type CommandContext } from './context.js';

/** Everything that the checks are told. */
interface Plan {
  readonly settings: ReturnType<typeof upSettings>;
  readonly doctor: ReturnType<typeof doctorSettings>;
}

/** `millrace doctor`: checks every hop from this machine to a target. The exit code is 1 where one fails. */
export async function doctor(context: CommandContext, doctorGiven: Given): Promise<number> {
  const list = new Checklist(context.output);
  const closers = new Closers();
  let plan: Plan | undefined;
  try {
    await list.check('config', async () => {
      plan = await planOf(context, doctorGiven);
      return passed(
        context.config === undefined ? 'the flags go together' : `${context.config} and the flags are right`,
      );
    });
    if (plan) await checkAll(context, list, plan, closers);
  } finally {
    await closers.close();
  }
  context.output.say(`\n${list.summary()}`);
  const failures = list.failed + (plan?.doctor.strict ? list.warnings : 0);
  return failures === 0 ? EXIT.ok.code : EXIT.checkFailed.code;
}

async function planOf(context: CommandContext, doctorGiven: Given): Promise<Plan> {
  const file = await configOf(context);
  const plan = { settings: upSettings(file, context.given), doctor: doctorSettings(file, doctorGiven) };
  checkUp(plan.settings);
  checkDoctor(plan.doctor);
  return plan;
}

async function checkAll(context: CommandContext, list: Checklist, plan: Plan, closers: Closers): Promise<void> {
  const { settings } = plan;
  let way: { key: string; relays: RelayEntry[] } | undefined;
  await list.check('key', async () => {
    way = await wayOf(context, plan, closers);
    return passed(settings.embedded ? 'made for this run' : 'given, and strong enough');
  });
  await checkPorts(list, settings);
  if (!way) return;
  const { key, relays } = way;
  const usedUp = await checkState(list, settings);
  const peers: PeerEvent[] = [];
  for (const [index, label] of relayLabels(relays).entries()) {
    const entry = relays[index];
    if (!entry) continue;
    context.output.say(`\nrelay ${label}`);
    const account = entry.account ?? '';
    const peer = await checkRelay(list, entry, { ...plan, key, label, usedUp: usedUp.get(account) });
    if (peer) peers.push({ ...peer, relay: label });
  }
  const nodes = nodesFinding(peers);
  if (!nodes) return;
  context.output.say('\nall relays');
  list.found('nodes', nodes);
}

async function wayOf(
  { io }: CommandContext,
  { settings }: Plan,
  closers: Closers,
): Promise<{ key: string; relays: RelayEntry[] }> {
  if (settings.embedded) {
    const embedded = await startEmbedded(settings);
    closers.add(() => embedded.close());
    return { key: embedded.key, relays: [embedded.entry] };
  }
  const secrets = secretReader(io);
  const relays = await secrets.relays(settings.relays);
  return { relays, key: await secrets.keyFor(relays, settings.keyFile) };
}

async function checkPorts(list: Checklist, { socks, http, forward }: Plan['settings']): Promise<void> {
  if (socks) await list.check('socks', () => checkLocalPort('--socks', socks));
  if (http) await list.check('http', () => checkLocalPort('--http', http));
  for (const text of forward) {
    const { host, port } = parseForward(text).listen;
    await list.check('forward', () => checkLocalPort('--forward', formatHostPort(host, port)));
  }
}
