import { onTestFinished } from 'vitest';
import type { NodeParts } from '../../src/node.js';
import type { NodeOptions } from '../../src/options.js';
import { quiet } from './eventually.js';
import { Level2Client, type Level2ClientOptions } from './level2-client.js';
import { startTestNode, type TestNode } from './node.js';

/** A node and a client of level 2 for one test. */
export async function startLevel2(
  options: Partial<NodeOptions> = {},
  client: Level2ClientOptions = {},
  parts: NodeParts = {},
): Promise<TestNode & { client: Level2Client }> {
  const test = await startTestNode(options, parts);
  return { ...test, client: await addClient(test, client) };
}

/** Another client of the same node, gone with the test. */
export async function addClient(test: TestNode, options: Level2ClientOptions = {}): Promise<Level2Client> {
  const client = await Level2Client.start(test.node.url, options);
  onTestFinished(() => client.stop());
  return client;
}

/** Resolves once every exchange of the client is held at the node and there is one: nothing is on its way. */
export async function settled({ node }: TestNode, client: Level2Client): Promise<void> {
  do await quiet();
  while (node.stats().held === 0 || node.stats().held !== client.counts.running);
}
