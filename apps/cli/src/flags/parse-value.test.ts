import { describe, expect, test } from 'vitest';
import { parseFlag, parseValue } from './parse-value.js';
import { flagsOf, type SectionName } from './schema.js';

const parse = (section: SectionName, key: string, text: string): unknown => {
  const flag = flagsOf(section).find((found) => found.key === key);
  if (!flag) throw new Error(`no flag ${key}`);
  return parseFlag(flag, text);
};

describe('numbers', () => {
  test('in range are numbers', () => {
    expect(parse('up', 'pipelineDepth', '8')).toBe(8);
    expect(parse('up', 'firstBytesMs', '0')).toBe(0);
  });

  test.each(['0', '9', '-1', '1.5', '1e3', '', ' 2', '0x2', 'two', '99999999999999999999'])(
    '%j is refused with the range',
    (text) => {
      expect(() => parse('up', 'pipelineDepth', text)).toThrow(
        `needs a whole number from 1 to 8, not ${JSON.stringify(text)}`,
      );
    },
  );

  test('a list takes several at once', () => {
    expect(parse('node', 'allowPorts', '80, 443')).toEqual([80, 443]);
    expect(() => parse('node', 'allowPorts', '80,')).toThrow('from 1 to 65535');
    expect(() => parse('node', 'allowPorts', '65536')).toThrow('from 1 to 65535');
  });
});

test('a choice is one of its values', () => {
  expect(parse('up', 'openReply', 'early')).toBe('early');
  expect(() => parse('up', 'openReply', 'soon')).toThrow('needs one of early, result, not "soon"');
});

test('a boolean in an object is true or false', () => {
  const value = { key: 'x', name: 'x', kind: 'boolean', text: '' } as const;
  expect(parseValue(value, 'true')).toBe(true);
  expect(parseValue(value, 'false')).toBe(false);
  expect(() => parseValue(value, 'yes')).toThrow('needs true or false');
});

describe('relay entries', () => {
  test('an address alone', () => {
    expect(parse('up', 'relays', 'https://relay.example/')).toEqual({ url: 'https://relay.example/' });
  });

  test('every field of the compact form', () => {
    const text =
      'https://relay.example/exec?a=b,kind=script,token=t=o,account=a,connect-to=192.0.2.1:443,tls-name=x,ca-file=ca.pem';
    expect(parse('up', 'relays', text)).toEqual({
      url: 'https://relay.example/exec?a=b',
      kind: 'script',
      token: 't=o',
      account: 'a',
      connectTo: '192.0.2.1:443',
      tlsName: 'x',
      caFile: 'ca.pem',
    });
    expect(parse('up', 'relays', 'http://h,token-file=-')).toEqual({ url: 'http://h', tokenFile: '-' });
  });

  test('a misspelt field is refused with the nearest right one', () => {
    expect(() => parse('up', 'relays', 'http://h,knd=node')).toThrow(
      'has a part "knd" with no such field: did you mean kind=?',
    );
    expect(() => parse('up', 'relays', 'http://h,tokenFile=x')).toThrow('did you mean token-file=?');
    expect(() => parse('up', 'relays', 'http://h,qqqqqqqq=x')).toThrow('fields are kind, token, token-file,');
  });

  test('a wrong choice names the field', () => {
    expect(() => parse('up', 'relays', 'http://h,kind=nod')).toThrow(
      'kind needs one of node, relay, script, not "nod"',
    );
  });

  test('a field twice, without a value or before the address is refused', () => {
    expect(() => parse('up', 'relays', 'http://h,account=a,account=b')).toThrow('has account twice');
    expect(() => parse('up', 'relays', 'http://h,account')).toThrow('has a part "account" with no value');
    expect(() => parse('up', 'relays', ',account=a')).toThrow('needs its url first');
  });

  test('what may be a piece of a token is not repeated', () => {
    const secret = 'S3cretS3cretS3cretS3cret';
    expect(() => parse('up', 'relays', `http://h,token=a,${secret}`)).toThrow(/^(?!.*S3cret)/);
  });

  test('an account has a bound', () => {
    expect(parse('up', 'accounts', 'a,max-concurrent=20')).toEqual({ name: 'a', maxConcurrent: 20 });
    expect(() => parse('up', 'accounts', 'a,max-concurrent=0')).toThrow(
      'max-concurrent needs a whole number from 1 to 1024',
    );
  });
});
