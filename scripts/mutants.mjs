// Plants one fault or more for each rule of the stream engine, and for each named case (mutants/cases.mjs), and runs the tests of
// that name: every fault has to be caught. `node scripts/mutants.mjs [rule or 'named case'…]`. Nothing on disk is changed: the
// fault is put in as the tests load the file.
import { fileURLToPath } from 'node:url';
import { resolveConfig, startVitest } from 'vitest/node';
import { CASES } from './mutants/cases.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = 'packages/protocol/src/stream/';

/** Rule, what the fault is, file, the text it replaces, and the text in its place. */
const MUTANTS = [
  [
    'R1',
    'an overlap is not trimmed',
    'reassembly.ts',
    'bytes.subarray(this.next - off, stop - off)',
    'bytes.subarray(0, stop - off)',
  ],
  [
    'R1',
    'what is sent again is cut at the wrong place',
    'send-buffer.ts',
    'return { from, bytes, fin };',
    'return { from: lost === undefined || from === 0 ? from : from + 1, bytes, fin };',
  ],
  [
    'R2',
    'what arrived is deleted without an ack',
    'stream.ts',
    'if (wasInFlight) this.dataInFlight--;',
    'this.send.acknowledge(item.to); if (wasInFlight) this.dataInFlight--;',
  ],
  [
    'R3',
    'a failed exchange is not sent again',
    'client-receiver.ts',
    'relay.failed(exchange, false, now);\n    this.records.lose(exchange.record);',
    'relay.failed(exchange, false, now);',
  ],
  [
    'R3',
    'an answer that is given up is not reported',
    'client-receiver.ts',
    'if (options.sent !== false) this.lostAnswers.add(n, n + 1);',
    '',
  ],
  ['R4', 'a finished stream is opened again by a late segment', 'node-receiver.ts', 'this.sids.kill(stream.sid);', ''],
  [
    'R4',
    'a reset before its open is forgotten',
    'node-receiver.ts',
    'if (segment.rst !== undefined) this.sids.kill(sid);',
    'if (segment.rst !== undefined) return undefined;',
  ],
  [
    'R5',
    'streams of the old instance live on',
    'client-receiver.ts',
    'if (!stream.sentAnything) continue;',
    'if (stream.sentAnything) { stream.openConfirmed = false; stream.needsOpen = true; this.touch(stream); } continue;',
  ],
  ['R5', 'streams that were never sent are reset too', 'client-receiver.ts', 'if (!stream.sentAnything) continue;', ''],
  [
    'R5',
    'a cut stream looks ended',
    'engine.ts',
    "if (stream?.life !== 'live') return undefined;",
    "if (stream?.life !== 'live') return null;",
  ],
  ['R6', 'a blocked sender never asks', 'stream.ts', 'return this.send.lostRanges === 0;', 'return false;'],
  [
    'R5',
    'another node is not told from a new instance',
    'epoch.ts',
    'if (othersAgree || this.#past.some((past) => sameBytes(past, epoch)))',
    'if (epoch.length === 0)',
  ],
  [
    'R6',
    'a question gets no answer',
    'segment-reader.ts',
    'stream.owesAnswer = true;\n    return true;',
    'return true;',
  ],
  [
    'R7',
    'nothing releases a held exchange',
    'node-engine.ts',
    'return this.answeredAt + this.#scarceMs();',
    'return undefined;',
  ],
  [
    'R7',
    'a sender with little room waits for its acks',
    'segment-writer.ts',
    'stream.needsAsk = to > from && stream.wantsRoom && stream.sendable === 0 && stream.room.isCramped;',
    'stream.needsAsk = false;',
  ],
  [
    'R7',
    'bulk lingers for long',
    'release.ts',
    'return Math.min(lingerMs, roundTripMs / 10);',
    'return 10 * lingerMs + roundTripMs;',
  ],
  [
    'R7',
    'bulk does not linger',
    'release.ts',
    'return waiting.bulkBytes > 0 ? waiting.bulkSince + lingerForMs : undefined;',
    'return waiting.bulkBytes > 0 ? -Infinity : undefined;',
  ],
  [
    'R7',
    'an end that nobody waits for takes an exchange',
    'stream.ts',
    "return this.isClient && this.life === 'live' && endOnly && receive.next > this.heardBefore;",
    'return false;',
  ],
  [
    'R7',
    'an end that the target waits for goes along',
    'stream.ts',
    "return this.isClient && this.life === 'live' && endOnly && receive.next > this.heardBefore;",
    "return this.isClient && this.life === 'live' && endOnly;",
  ],
  [
    'R7',
    'a bare ack releases',
    'scheduler.ts',
    'return this.#first.size > 0 || this.#rush > 0;',
    'return this.#first.size > 0 || this.#rush > 0 || this.#along.size > 0;',
  ],
  [
    'R8',
    'each stream holds an exchange',
    'client-engine.ts',
    'return held === 0 || (held < READY_EXCHANGES',
    'return held < this.liveStreams || (held < READY_EXCHANGES',
  ],
  [
    'R8',
    'a client without streams holds an exchange',
    'client-engine.ts',
    'if (this.liveStreams === 0 || this.unpaired() !== undefined) return false;',
    '',
  ],
  [
    'R9',
    'credit is promised beyond the budget',
    'credit.ts',
    'Math.min(this.#consumed + this.#window, base + beyond)',
    'this.#consumed + this.#options.ceilingBytes',
  ],
  ['R9', 'a stream that has ended keeps what it was promised', 'credit.ts', 'this.#limit = position;', ''],
  [
    'R14',
    'the first of many streams takes it all',
    'receive-budget.ts',
    '* FRESH_SHARE) / Math.max(1, begun)',
    '* FRESH_SHARE) / 1',
  ],
  [
    'R9',
    'dials under way take all that there is',
    'receive-budget.ts',
    'Math.min(unproven, whole * FEW_SHARE - few)',
    'freeBytes',
  ],
  [
    'R9',
    'streams that nobody reads take all that there is',
    'receive-budget.ts',
    'Math.min(unproven, whole * FRESH_SHARE - fresh - proven)',
    'freeBytes',
  ],
  [
    'R9',
    'a slow reader is promised as much as a quick one',
    'credit.ts',
    'now < this.#activeUntil ? this.#mayHave(now) : 0',
    'this.#mayHave(now)',
  ],
  [
    'R9',
    'a sender whose reader has stalled fills the common room',
    'send-room.ts',
    'return Math.min(this.roomBytes, Math.max(0, peerLimit + this.#floorBytes - end));',
    'return this.roomBytes;',
  ],
  [
    'R9',
    'no floor outside the budget',
    'credit.ts',
    'const base = this.#consumed + this.#options.floorBytes;',
    'const base = this.#consumed;',
  ],
  [
    'R10',
    'a failed dial looks like a reset',
    'segment-reader.ts',
    "events.push({ type: 'failed', sid: stream.sid, code: segment.opened.code });",
    "events.push({ type: 'reset', sid: stream.sid, code: segment.opened.code });",
  ],
  [
    'R10',
    'a half-close ends both directions',
    'stream.ts',
    "if (this.life === 'live' && this.sendState === 'finished' && this.receiveState === 'ended') {",
    "if (this.life === 'live' && (this.sendState === 'finished' || this.receiveState === 'ended')) {",
  ],
  [
    'R11',
    'patience never ends',
    'client-engine.ts',
    'if (exchange.patienceAt <= now) {',
    'if (exchange.patienceAt <= -1) {',
  ],
  [
    'R11',
    'patience does not count from the end of the hold',
    'relay-path.ts',
    'const patienceAt = Math.max(hedgeAt, sentAt + holdMs + transfer + patience);',
    'const patienceAt = sentAt + transfer + patience;',
  ],
  [
    'R11',
    'the node waits for the confirmation of a response forever',
    'node-engine.ts',
    'this.records.lose(record);\n    }\n  }\n\n  override bytesHeld',
    '}\n  }\n\n  override bytesHeld',
  ],
  [
    'R11',
    'an unpaired path sends no probes',
    'unpaired-path.ts',
    'for (const record of oldest) this.#lose(record);',
    '',
  ],
  [
    'R11',
    'nothing is hedged',
    'client-engine.ts',
    'this.lostAnswers.add(exchange.n, exchange.n + 1);\n          this.records.lose(exchange.record);',
    '',
  ],
  [
    'R11',
    'what later answers overtook is only found by patience',
    'exchange.ts',
    'exchange.hedgeAt = Math.min(exchange.hedgeAt, now + orderMs + transferMs);',
    'exchange.hedgeAt += 60_000;',
  ],
  [
    'R12',
    'what is in flight is no bandwidth-delay product',
    'exchange-window.ts',
    'const product = (this.#quick ? QUICK_GAIN : GAIN) * this.#rate * baseMs;',
    'const product = 0;',
  ],
  [
    'R12',
    'the pace pays no heed to queues',
    'exchange-window.ts',
    'if (this.#queued <= MOST_QUEUED) return',
    'if (this.#best > 0) return',
  ],
  [
    'R12',
    'answers that come in one bunch are believed more than the quickest body',
    'exchange-window.ts',
    'return this.#bodyRate > 0 ? Math.min(most, this.#bodyRate) : most;',
    'return most;',
  ],
  [
    'R12',
    'each loss lowers the rate',
    'exchange-rate.ts',
    'lost(bytes: number): void {\n    this.#bytes += bytes;',
    'lost(bytes: number): void {\n    this.#bytes += bytes * 0;',
  ],
  [
    'R12',
    'the empty answer to a repeated request passes for a short way',
    'relay-path.ts',
    'const telling = told && !atOnce;',
    'const telling = told;',
  ],
  ['R12', 'the last word of bulk passes for a small message', 'quick.ts', 'stream.bulkAt = now;', ''],
  [
    'R6',
    'a source that waited for credit is taken for one that has no more',
    'stream.ts',
    'return this.wantsRoom || (this.wasHeldUp && !this.send.finished);',
    'return this.wantsRoom;',
  ],
  [
    'R12',
    'after a rest bodies are as large as before',
    'exchange-window.ts',
    'rested(): void {\n    this.#bulkMs = FIRST_BULK_MS;',
    'rested(): void {',
  ],
  [
    'R12',
    'what arrives in one bunch passes for the rate',
    'exchange-rate.ts',
    'Math.max(now - stamp.at, sentAt - stamp.sentAt)',
    'now - stamp.at',
  ],
  [
    'R12',
    'small messages wait behind large bodies',
    'quick.ts',
    'this.#last.at >= since && this.#bulkAt >= since',
    'false',
  ],
  [
    'R12',
    'an unordered path has no pace',
    'unpaired-path.ts',
    'if (this.options.ordered || !this.rtt.measured) return now;',
    'return now;',
  ],
  [
    'R12',
    "an account's concurrency is passed",
    'relay-path.ts',
    'return Math.max(0, Math.min(this.options.concurrency, this.gate.concurrency ?? Number.POSITIVE_INFINITY));',
    'return this.options.concurrency;',
  ],
  [
    'R12',
    'a used-up quota is ignored',
    'relay-path.ts',
    'return Math.max(this.#blockedUntil, this.gate.blockedUntil ?? Number.NEGATIVE_INFINITY);',
    'return this.#blockedUntil;',
  ],
  [
    'R12',
    'in flight grows without more being delivered',
    'exchange-window.ts',
    'const grew = ',
    'const grew = true || ',
  ],
  [
    'R13',
    'a slow relay takes what a quick one has no place for',
    'path-choice.ts',
    'best.latencyMs(now) <= 2 * quickestMs',
    'quickestMs >= 0',
  ],
  [
    'R14',
    'one stream takes a whole packet',
    'scheduler.ts',
    'const cost = write(stream, left, stream.deficit);',
    'stream.deficit = left; const cost = write(stream, left, left);',
  ],
  [
    'R14',
    'small streams wait behind bulk',
    'stream.ts',
    'return this.send.sent < FIRST_BYTES || this.send.end - this.send.acked <= SMALL_BYTES;',
    'return false;',
  ],
  [
    'R14',
    'a stream is left out after its turn',
    'scheduler.ts',
    'if (this.#ring.delete(stream)) this.#ring.add(stream);',
    'this.#ring.delete(stream);',
  ],
];

const rules = MUTANTS.map(([rule, what, file, before, after]) => ({
  name: rule,
  what,
  file: `${folder}${file}`,
  before,
  after,
  tests: 'src/stream/rules-*.test.ts',
  begins: `${rule}: `,
}));
const cases = CASES.map(([name, what, file, before, after, tests, begins = `${name} `]) => ({
  name,
  what,
  file,
  before,
  after,
  tests,
  begins,
}));
const { vitestConfig } = await resolveConfig({ root, config: `${root}vitest.config.ts` });
const { projects } = vitestConfig;

/** Runs the tests of a rule or case with a fault in place; true when one fails. */
async function isCaught({ name, file, before, after, tests, begins }) {
  let planted = 0;
  const plugin = {
    name: 'mutant',
    enforce: 'pre',
    transform(code, id) {
      if (id !== `${root}${file}`) return undefined;
      const parts = code.split(before);
      planted = parts.length - 1;
      return planted === 1 ? parts.join(after) : undefined;
    },
  };
  const { resolve, test } = projects.find((each) => `${each.test.root}/` === `${root}${file.split('src/')[0]}`);
  const project = { resolve, plugins: [plugin], test: { ...test, include: [tests], testTimeout: 20_000 } };
  const options = { root, run: true, watch: false, reporters: [{}], testNamePattern: `^${begins}`, config: false };
  const config = { root, plugins: [plugin], test: { projects: [project] }, configFile: false };
  const vitest = await startVitest('test', [], options, config);
  const ran = vitest.state
    .getFiles()
    .flatMap(testsOf)
    .filter(({ result }) => result?.state === 'pass' || result?.state === 'fail');
  await vitest.close();
  if (planted !== 1) throw new Error(`the text of the fault is found ${planted} times in ${file}`);
  if (ran.length === 0) throw new Error(`no test of ${name} ran`);
  return ran.some(({ result }) => result.state === 'fail');
}

/** The tests of a file or group. */
function testsOf(task) {
  return task.type === 'test' ? [task] : task.tasks.flatMap(testsOf);
}

const wanted = process.argv.slice(2);
let missed = 0;
for (const mutant of [...rules, ...cases]) {
  const { name, what } = mutant;
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  let verdict;
  try {
    verdict = (await isCaught(mutant)) ? 'caught' : 'MISSED';
  } catch (error) {
    verdict = `BROKEN: ${error.message}`;
  }
  if (verdict !== 'caught') missed++;
  console.log(`${verdict}  ${name}: ${what}`);
}
console.log(missed === 0 ? 'every planted fault was caught' : `${missed} planted faults were not caught`);
process.exit(missed === 0 ? 0 : 1);
