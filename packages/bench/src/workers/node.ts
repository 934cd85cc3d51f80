/** Process: the Millrace node. */
import { startNode, type NodeOptions } from '@millrace/node-server';
import { countCodes } from '../process/event-codes.js';
import { serve } from '../process/worker.js';

let takeCodes = (): string[] => [];

const verbs = {
  /** Starts it; gives its URL. */
  start: async (options: NodeOptions): Promise<string> => {
    const node = await startNode(options);
    takeCodes = countCodes(node.events);
    return node.url;
  },
  /** Error codes of its events since the last call. */
  codes: (): string[] => takeCodes(),
};
export type NodeVerbs = typeof verbs;

serve(verbs);
