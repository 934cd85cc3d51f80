// Golden vectors of the Reed-Solomon code, made by a writer that shares nothing with the code under test: products bit by
// bit, inverses by trying.
function multiply(a, b) {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a;
    a = a & 0x80 ? ((a << 1) ^ 0x11d) & 0xff : a << 1;
  }
  return product;
}
const divide = (a, b) => Array.from({ length: 256 }, (_, value) => value).find((value) => multiply(value, b) === a);
const coefficient = (row, column) => divide(255 ^ column, (255 - row) ^ column);
const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** Byte `at` of data shard `shard`: no shard, and no stretch of one, repeats another. */
const byte = (shard, at) => ((shard * 131 + at * 71 + ((shard * at) >> 3) + (at >> 4)) ^ (shard >> 2)) & 0xff;

const CASES = [
  [1, 1, 1],
  [1, 4, 7],
  [2, 1, 16],
  [3, 2, 5],
  [5, 3, 33],
  [10, 4, 64],
  [20, 5, 83],
  [17, 17, 15],
  [100, 20, 3],
  [200, 55, 2],
  [254, 1, 4],
  [127, 128, 1],
];

export function fecVectors() {
  const vectors = CASES.map(([data, parity, shardBytes]) => {
    const shards = Array.from({ length: data }, (_, shard) =>
      Array.from({ length: shardBytes }, (_, at) => byte(shard, at)),
    );
    const sums = Array.from({ length: parity }, (_, row) => {
      const factors = Array.from({ length: data }, (_, column) => coefficient(row, column));
      return Array.from({ length: shardBytes }, (_, at) =>
        factors.reduce((sum, factor, column) => sum ^ multiply(factor, shards[column][at]), 0),
      );
    });
    return { data, parity, shardBytes, shards: hex(shards.flat()), paritySums: hex(sums.flat()) };
  });
  const comment =
    'Made by scripts/vectors/fec.mjs (npm run generate): do not edit. All data shards of a block, one behind the other, and the parity shards that belong to them, in hex.';
  const content = `{
  "$comment": ${JSON.stringify(comment)},
  "vectors": [
${vectors.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n')}
  ]
}
`;
  return [['packages/udp-session/test/vectors/fec.json', content]];
}
