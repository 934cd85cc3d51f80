// Vectors that are typed, not derived: the very texts of older fleets, and what no rule gives.

/** Bodies as peers from before the newer fields send them. They must come out of today's encoders byte for byte. */
export const OLDER_REQUESTS = [
  ['an older client polls', '{"k":"secret","t":"batch","ops":[{"op":"data","sid":"s1"}]}'],
  ['an older client writes', '{"k":"secret","t":"batch","ops":[{"op":"data","sid":"s1","d":"aGVsbG8="}]}'],
  ['an older client connects', '{"k":"secret","t":"batch","ops":[{"op":"connect","host":"example.org","port":443}]}'],
  [
    'an older client connects with first bytes',
    '{"k":"secret","t":"batch","ops":[{"op":"connect_data","host":"example.org","port":80,"d":"R0VUIC8="}]}',
  ],
  ['an older client closes', '{"k":"secret","t":"batch","ops":[{"op":"close","sid":"s1"}]}'],
  [
    'an older client opens a flow',
    '{"k":"secret","t":"batch","ops":[{"op":"udp_open","host":"192.0.2.1","port":53,"d":"AAE="}]}',
  ],
  ['an older client sends a datagram', '{"k":"secret","t":"batch","ops":[{"op":"udp_data","sid":"f1","d":"AAE="}]}'],
  [
    'an older client orders its writes',
    '{"k":"secret","t":"batch","ops":[{"op":"data","sid":"s1","d":"aGk=","wseq":0}]}',
  ],
  ['a script sends on what it checked', '{"k":"secret","ops":[{"op":"data","sid":"s1"},{"op":"close","sid":"s2"}]}'],
  ['a pipelining client writes', '{"k":"secret","t":"batch","ops":[{"op":"data","sid":"s1","d":"aGk=","seq":0}]}'],
  [
    'a client asks who answers',
    '{"k":"secret","t":"batch","ops":[{"op":"version"}],"caps":1,"cid":"AAECAwQFBgcICQoLDA0ODw=="}',
  ],
  ['a batch of no ops', '{"k":"secret","t":"batch","ops":[]}'],
];

export const OLDER_SINGLE_REQUESTS = [
  ['connect', '{"k":"secret","op":"connect","host":"example.org","port":443}'],
  ['connect with first bytes', '{"k":"secret","op":"connect_data","host":"example.org","port":80,"data":"R0VUIC8="}'],
  ['write', '{"k":"secret","op":"data","sid":"s1","data":"aGVsbG8="}'],
  ['poll', '{"k":"secret","op":"data","sid":"s1"}'],
  ['close', '{"k":"secret","op":"close","sid":"s1"}'],
];

export const OLDER_RESPONSES = [
  ['a stream was opened', '{"r":[{"sid":"s1"}]}'],
  ['a stream was opened by a node that pipelines', '{"r":[{"sid":"s1","caps":1}]}'],
  ['bytes came', '{"r":[{"sid":"s1","d":"aGVsbG8=","eof":false}]}'],
  ['the target ended', '{"r":[{"sid":"s1","eof":true}]}'],
  ['datagrams came', '{"r":[{"sid":"f1","pkts":["AQ==","AgI="]}]}'],
  ['an error without a code', '{"r":[{"e":"connection refused"}]}'],
  ['an unknown op', '{"r":[{"e":"unknown op","code":"UNSUPPORTED_OP"}]}'],
  ['an ordered reply', '{"r":[{"sid":"s1","d":"aGk=","seq":0}]}'],
  ['the whole batch failed', '{"e":"unauthorized"}'],
  ['no replies', '{"r":[]}'],
];

/** Whole bodies whose code does not depend on the message. */
export const BROKEN_BODIES = [
  ['nothing', '', 'BODY_EMPTY'],
  ['an HTML page', '<!DOCTYPE html><html></html>', 'BODY_NOT_JSON'],
  ['a list', '[1]', 'BODY_NOT_JSON'],
  ['a string', '"text"', 'BODY_NOT_JSON'],
  ['cut within a string', '{"k":"sec', 'BODY_TRUNCATED'],
  ['cut after a comma', '{"k":"secret",', 'BODY_TRUNCATED'],
  ['cut within a list', '{"k":"secret","ops":[{"op":"data"', 'BODY_TRUNCATED'],
  ['more after the end', '{"k":"secret"}}', 'BODY_NOT_JSON'],
  ['a comma too many', '{"k":"secret",}', 'BODY_NOT_JSON'],
  ['brackets that do not match', '{"k":"secret","ops":[}]', 'BODY_NOT_JSON'],
  ['no quotes', '{k:"secret"}', 'BODY_NOT_JSON'],
  ['a broken escape', '{"k":"secret","op":"\\x"}', 'BODY_NOT_JSON'],
  ['nested too deep', '{"k":"secret","x":[[[[[[[[]]]]]]]]}', 'BODY_TOO_DEEP'],
];

/** Bodies for `scanKey`: text, and the key or a code. */
export const KEYS = [
  { name: 'first', text: '{"k":"secret","ops":[]}', key: 'secret' },
  { name: 'last', text: '{"ops":[{"k":"no"}],"k":"secret"}', key: 'secret' },
  { name: 'with spaces', text: ' { "k" : "secret" } \n', key: 'secret' },
  { name: 'with an escape in its value', text: '{"k":"a\\"b\\\\c\\u0041"}', key: 'a"b\\cA' },
  { name: 'with an escape in its name', text: '{"\\u006b":"secret"}', key: 'secret' },
  { name: 'with another escape in its name', text: '{"\\u006B":"secret"}', key: 'secret' },
  { name: 'beyond ASCII', text: '{"k":"ключ-от-туннеля"}', key: 'ключ-от-туннеля' },
  { name: 'behind a string that looks like one', text: '{"x":"\\",\\"k\\":\\"no","k":"secret"}', key: 'secret' },
  { name: 'empty', text: '{"k":""}', key: '' },
  { name: 'missing', text: '{"ops":[]}', error: 'MESSAGE_INVALID' },
  { name: 'only further in', text: '{"ops":{"k":"secret"}}', error: 'MESSAGE_INVALID' },
  { name: 'a number', text: '{"k":5}', error: 'MESSAGE_INVALID' },
  { name: 'null', text: '{"k":null}', error: 'MESSAGE_INVALID' },
  { name: 'a list', text: '{"k":["secret"]}', error: 'MESSAGE_INVALID' },
  { name: 'twice', text: '{"k":"secret","k":"other"}', error: 'MESSAGE_INVALID' },
  { name: 'twice, once by an escape', text: '{"k":"secret","\\u006b":"other"}', error: 'MESSAGE_INVALID' },
  { name: 'of the name K', text: '{"K":"secret"}', error: 'MESSAGE_INVALID' },
];

/** Requests that decode, though no encoder here writes them: text and value. */
export const READ_ONLY_REQUESTS = [
  [
    'unknown fields everywhere are ignored',
    '{"new":{"deep":[1,{"x":2}]},"k":"secret","ops":[{"op":"data","sid":"s1","flags":[1,2],"note":"x"}],"zc":"anything"}',
    { k: 'secret', ops: [{ op: 'data', sid: 's1' }] },
  ],
  [
    'null counts as absent',
    '{"k":"secret","t":null,"ops":[{"op":"data","sid":"s1","d":null,"seq":null}],"caps":null}',
    { k: 'secret', ops: [{ op: 'data', sid: 's1' }] },
  ],
  [
    'any order and spacing',
    '{ "ops": [ {"sid": "s1", "op": "data"} ], "k": "secret" }\n',
    { k: 'secret', ops: [{ op: 'data', sid: 's1' }] },
  ],
  ['an unknown op is an op', '{"k":"secret","ops":[{"op":"teleport"}]}', { k: 'secret', ops: [{ op: 'teleport' }] }],
  [
    'a bad op does not cost its neighbours',
    '{"k":"secret","ops":[{"op":"data","sid":"s1"},{"op":"data","sid":5,"seq":3},7,{"op":"connect","port":80},{"op":"close","sid":"s1"}]}',
    {
      k: 'secret',
      ops: [
        { op: 'data', sid: 's1' },
        { invalid: 'sid', seq: 3 },
        { invalid: '' },
        { invalid: 'host' },
        { op: 'close', sid: 's1' },
      ],
    },
  ],
  ...['connect', 'connect_data', 'udp_open'].flatMap((op) => [
    [
      `${op} needs a host`,
      `{"k":"secret","ops":[{"op":"${op}","port":80}]}`,
      { k: 'secret', ops: [{ invalid: 'host' }] },
    ],
    [
      `${op} needs a port`,
      `{"k":"secret","ops":[{"op":"${op}","host":"a"}]}`,
      { k: 'secret', ops: [{ invalid: 'port' }] },
    ],
  ]),
  ...['data', 'close', 'udp_data'].map((op) => [
    `${op} needs a sid`,
    `{"k":"secret","ops":[{"op":"${op}","seq":2}]}`,
    { k: 'secret', ops: [{ invalid: 'sid', seq: 2 }] },
  ]),
];

export const REFUSED_REQUESTS = [
  ['ops that are no list', '{"k":"secret","ops":{}}'],
  ['compressed operations instead of ops', '{"k":"secret","zops":"H4sIAAAA"}'],
];

/** Responses that decode, though no encoder here writes them. */
export const READ_ONLY_RESPONSES = [
  ['unknown fields are ignored', '{"r":[{"sid":"s1","ttl":5}],"took":12}', { r: [{ sid: 's1' }] }],
  [
    'null counts as absent',
    '{"r":[{"sid":"s1","d":null,"e":null,"code":null,"seq":null}],"e":null}',
    { r: [{ sid: 's1' }] },
  ],
  [
    'a bad reply does not cost its neighbours',
    '{"r":[{"sid":"s1"},{"sid":5},null]}',
    { r: [{ sid: 's1' }, { invalid: 'sid' }, { invalid: '' }] },
  ],
];

export const REFUSED_RESPONSES = [
  ['neither replies nor an error', '{}'],
  ['compressed replies', '{"zr":"H4sIAAAA"}'],
  ['replies that are no list', '{"r":{"0":{}}}'],
];

/** Hex of a body → its form, or a code. */
export const BODY_FORMS = [
  { name: 'JSON', bytes: '7b7d', form: 'json' },
  { name: 'gzip', bytes: '1f8b08', form: 'gzip' },
  { name: 'a packet', bytes: '01', form: 'packet' },
  { name: 'sealed', bytes: '02', form: 'sealed' },
  { name: 'text', bytes: '415145', form: 'text' },
  { name: 'nothing', bytes: '', error: 'BODY_EMPTY' },
  { name: 'half of gzip', bytes: '1f', error: 'BODY_UNKNOWN_FORM' },
  { name: 'HTML', bytes: '3c68746d6c3e', error: 'BODY_UNKNOWN_FORM' },
  { name: 'a space before JSON', bytes: '207b7d', error: 'BODY_UNKNOWN_FORM' },
  { name: 'a byte order mark', bytes: 'efbbbf7b7d', error: 'BODY_UNKNOWN_FORM' },
  { name: 'a list', bytes: '5b5d', error: 'BODY_UNKNOWN_FORM' },
  { name: 'zero', bytes: '00', error: 'BODY_UNKNOWN_FORM' },
];

/** base64 text ↔ hex, or a code. The first seven are from RFC 4648, section 10. */
export const BASE64 = [
  { text: '', bytes: '' },
  { text: 'Zg==', bytes: '66' },
  { text: 'Zm8=', bytes: '666f' },
  { text: 'Zm9v', bytes: '666f6f' },
  { text: 'Zm9vYg==', bytes: '666f6f62' },
  { text: 'Zm9vYmE=', bytes: '666f6f6261' },
  { text: 'Zm9vYmFy', bytes: '666f6f626172' },
  { text: '+/+/', bytes: 'fbffbf' },
  ...[
    'Z',
    'Zg',
    'Zg=',
    'Zm8',
    'Zm9vY',
    'Zm9v\n',
    'Zm9 v',
    ' Zm9v',
    'Zm9vZm\n=',
    '-_-_',
    'Zm-v',
    'Zm_v',
    'Zh==',
    'Zm9=',
    '=',
    '==',
    '====',
    'Z===',
    'Zg==Zg==',
    'Z=g=',
    '=Zg=',
    'Zm9vZ=9v',
    'Zm9\u0141',
    '\u0141AAA',
    'Zm\u00e98',
    'Zm9\u0000',
  ].map((text) => ({ text, error: 'BASE64_INVALID' })),
];

/** Access keys and their tokens, by OpenSSL: HKDF-SHA256 without salt, info "millrace level 2 token", 32 bytes. */
export const TOKENS = [
  {
    name: 'an ASCII key',
    key: 'correct-horse-battery-staple-42',
    token: 'f8830701ccf59f33337fd029975967ccf577503825a1acfe54ed3c66652ea1a2',
  },
  {
    name: 'a key beyond ASCII',
    key: 'schlüssel-mit-umlaut-äöü-0123456789',
    token: 'd202a3f921f22f1ae82d7141ac29e4a733db9cab02d73d3496cb2a5966d9fa47',
  },
  {
    name: 'the shortest key',
    key: 'AAAAAAAAAAAAAAAAAAAAAA',
    token: '290fd5087c0d1ee2907fc7fd41134d55d23df27c2b872d8ed2038a2aae3b63d0',
  },
];
