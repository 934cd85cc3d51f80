// A registry with the packed packages of the scope and nothing else, so that npm chooses and installs them as it would for a
// user: by version, and by what a package says of the system that it is for.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { output } from '../run.mjs';

/** Serves what `packAll` gave. `option` goes on the command line of npm. */
export async function startRegistry(packed) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${server.address().port}/`;
  const answers = new Map();
  for (const [index, { name, version, tarball }] of packed.filter((one) => one.name.startsWith('@')).entries()) {
    const content = readFileSync(tarball);
    const manifest = JSON.parse(output('tar', ['-xzOf', tarball, 'package/package.json']));
    const dist = {
      tarball: `${address}${index}.tgz`,
      integrity: `sha512-${createHash('sha512').update(content).digest('base64')}`,
    };
    const versions = { [version]: { ...manifest, dist } };
    answers.set(`/${index}.tgz`, content);
    answers.set(`/${name}`, JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
  }
  server.on('request', ({ url }, response) => {
    const answer = answers.get(decodeURIComponent(url));
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  return { option: `--@millrace:registry=${address}`, close: () => server.close() };
}
