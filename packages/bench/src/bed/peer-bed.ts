import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepUntilExit, removeMade } from '../process/made-folders.js';
import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import type { Peer, PeerSide } from '../peers/peer.js';
import type { ProgramVerbs } from '../workers/program.js';
import { shape } from './shape.js';
import { stopAll, type Bed, type BedContext } from './types.js';

/** Starts a peer with its programs as processes that end with the benchmark. */
export async function openPeerBed(context: BedContext, peer: Peer, paths: Record<string, string>): Promise<Bed> {
  const { target, farHost, link } = context;
  const folder = keepUntilExit(await mkdtemp(join(tmpdir(), 'millrace-bench-')));
  const links: Array<Child<Verbs>> = [];
  const programs: Record<PeerSide, Child<ProgramVerbs>> = {
    server: await context.startHarness<ProgramVerbs>('program', peer.name, 'far'),
    client: await context.startHarness<ProgramVerbs>('program', peer.name, 'near'),
  };
  const all = Object.values(programs);
  const close = async (): Promise<void> => {
    await stopAll([...links, ...all]);
    await removeMade(folder);
  };
  try {
    const entry = await peer.start(
      {
        target,
        serverHost: farHost,
        folder,
        run: async (side, path, args, env) =>
          void (await programs[side].call('start', { path, args, ...(env && { env }) })),
        freePort,
        throughLink: async (server) => {
          if (!link) return server;
          const { hostname, port } = new URL(await shape(context, `http://${server.host}:${server.port}`, link, links));
          return { host: hostname, port: Number(port) };
        },
        listening: (side, port) =>
          programs[side].call('listening', { host: side === 'server' ? farHost : '127.0.0.1', port }),
      },
      paths,
    );
    return {
      entry,
      measured: [
        {
          role: peer.name,
          usage: async () => {
            const usages = await Promise.all(all.map((child) => child.call('programUsage', null)));
            return {
              role: peer.name,
              cpuSeconds: usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
              peakMemoryMiB: usages.reduce((sum, { peakMemoryMiB }) => sum + peakMemoryMiB, 0),
            };
          },
        },
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
