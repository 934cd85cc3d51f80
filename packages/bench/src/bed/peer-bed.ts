import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { keepUntilExit, removeMade } from '../process/made-folders.js';
import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import type { Peer } from '../peers/peer.js';
import type { ProgramVerbs } from '../workers/program.js';
import { shape } from './shape.js';
import { stopAll, type Bed, type BedContext } from './types.js';

/** How long a peer may take until it listens. */
const START_TIMEOUT_MS = 15_000;

/** Starts a peer with its programs as processes that end with the benchmark. */
export async function openPeerBed(context: BedContext, peer: Peer, paths: Record<string, string>): Promise<Bed> {
  const folder = keepUntilExit(await mkdtemp(join(tmpdir(), 'millrace-bench-')));
  const links: Array<Child<Verbs>> = [];
  const programs = await context.startHarness<ProgramVerbs>('program', peer.name);
  const close = async (): Promise<void> => {
    await stopAll([...links, programs]);
    await removeMade(folder);
  };
  try {
    const entry = await peer.start(
      {
        targetPort: context.targetPort,
        folder,
        run: async (path, args, env) => void (await programs.call('start', { path, args, ...(env && { env }) })),
        freePort,
        throughLink: async (port, link = context.link) =>
          link ? Number(new URL(await shape(context, `http://127.0.0.1:${port}`, link, links)).port) : port,
        listening: (port) => listening(port, () => programs.call('ended', null)),
      },
      paths,
    );
    return {
      entry,
      measured: [
        { role: peer.name, usage: async () => ({ role: peer.name, ...(await programs.call('programUsage', null)) }) },
      ],
      close,
    };
  } catch (error) {
    await close();
    throw new Error(`${peer.name} did not start: ${(error as Error).message}`, { cause: error });
  }
}

/** Programs that cannot be given port 0 get one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until something listens, or a program has ended instead. */
async function listening(port: number, ended: () => Promise<{ count: number; said: string }>): Promise<void> {
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      const { count, said } = await ended();
      if (count > 0) throw new Error(`a program ended: ${said.trim()}`, { cause: error });
      if (Date.now() > giveUpAt) throw error;
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}
