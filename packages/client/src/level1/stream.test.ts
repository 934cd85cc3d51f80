import { expect, test } from 'vitest';
import type { Relay } from '../carriers/relay.js';
import { Channel } from '../tunnel/channel.js';
import type { Level1Context } from './context.js';
import { Level1Stream, type StreamStart } from './stream.js';

/** A stream that was opened over the first of these relays, which all lead to one node except `elsewhere`. */
function streamOver(relays: Array<{ serial: boolean; elsewhere?: boolean }>, sequenced: boolean): Level1Stream {
  const context = {
    pool: { relays },
    peers: {
      of: (relay: unknown) => relay,
      sameNode: (_opener: unknown, relay: { elsewhere?: boolean }) => relay.elsewhere !== true,
    },
    streams: new Set(),
  } as unknown as Level1Context;
  const channel = new Channel(() => {});
  return new Level1Stream(context, { channel, relay: relays[0], sequenced } as unknown as StreamStart);
}

const accepted = (relays: Array<{ serial: boolean; elsewhere?: boolean }>, sequenced: boolean): boolean[] => {
  const stream = streamOver(relays, sequenced);
  return relays.map((relay) => stream.accepts(relay as unknown as Relay));
};

test('a stream uses only relays that lead to its node', () => {
  expect(accepted([{ serial: false }, { serial: false, elsewhere: true }, { serial: false }], true)).toEqual([
    true,
    false,
    true,
  ]);
});

test('a pipelined stream avoids relays that lose seq, as long as there is another', () => {
  expect(accepted([{ serial: true }, { serial: false }], true)).toEqual([false, true]);
  expect(accepted([{ serial: true }, { serial: false, elsewhere: true }], true)).toEqual([true, false]);
  expect(accepted([{ serial: true }, { serial: true }], true)).toEqual([true, true]);
});

test('a serial stream does not mind them', () => {
  expect(accepted([{ serial: true }, { serial: false }], false)).toEqual([true, true]);
});
