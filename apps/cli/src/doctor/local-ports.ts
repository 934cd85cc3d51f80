import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { parseHostPort } from '@millrace/protocol';
import { toCliError } from '../errors.js';
import { failed, passed, type Finding } from './checklist.js';

/** How long a program that holds a port may take to show what it is. It is on this machine. */
const IDENTIFY_MS = 1000;

/** Whether an address could be listened on. One that `millrace up` holds already is as good. */
export async function checkLocalPort(flag: string, address: string): Promise<Finding> {
  const { host, port } = parseHostPort(address);
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return passed(`${address} is free`);
  } catch (error) {
    const { code, message } = toCliError(error);
    if (code !== 'ADDRESS_IN_USE') return failed(code, `${flag} ${address}: ${message}`);
    if (await isMillrace(host, port)) return passed(`${address} is in use by millrace, which runs already`);
    const next = `Stop the program that holds it, or choose another: \`${flag} HOST:PORT\`; port 0 picks a free one.`;
    return failed(code, `${address} is in use by another program`, { next });
  } finally {
    server.close();
  }
}

/** Both proxies say who they are to somebody who speaks plain HTTP to them. */
async function isMillrace(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(), IDENTIFY_MS);
  try {
    socket.end(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (/millrace/i.test(text)) return true;
      if (text.length > 16_384) return false;
    }
    return false;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
