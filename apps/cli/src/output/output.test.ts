import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { testIo } from '../../test/support/test-io.js';
import { createOutput } from './output.js';

const works = (relay: string): MillraceEvent => ({ event: 'relay-works', relay });

describe('with --json', () => {
  test('each event is a line and nothing else is printed', () => {
    const { io, out } = testIo();
    const output = createOutput(io, true);
    output.say('for a person');
    output.event(works('a'));
    expect(out()).toBe('{"event":"relay-works","relay":"a"}\n');
  });

  test('ready comes first, then what happened before it', () => {
    const { io, events } = testIo();
    const output = createOutput(io, true);
    const hub = new EventHub();
    const end = output.follow(hub);
    hub.emit(works('early'));
    expect(events()).toEqual([]);
    output.event({ event: 'ready' });
    hub.emit(works('late'));
    end();
    hub.emit(works('never'));
    expect(events()).toEqual([{ event: 'ready' }, works('early'), works('late')]);
  });

  test('events before ready are bounded', () => {
    const { io, events } = testIo();
    const output = createOutput(io, true);
    const hub = new EventHub();
    output.follow(hub);
    for (let i = 0; i < 1000; i++) hub.emit(works(String(i)));
    output.event({ event: 'ready' });
    expect(events()).toHaveLength(257);
    expect(events()[1]).toEqual(works('0'));
  });
});

test('without --json events are lines for a person', () => {
  const { io, out } = testIo();
  const output = createOutput(io, false);
  output.say('hello');
  output.event({ event: 'ready' });
  output.event(works('a'));
  expect(out()).toBe('hello\nrelay a works again\n');
});
