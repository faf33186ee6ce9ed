import { createReadStream } from 'node:fs';
import { listenersAt, parseListeners, type Listener, type AgentSocket } from './listeners.ts';

/** The kernel lists listeners first: the rest of a long table is not read. */
const longestTable = 1024 * 1024;

/** Other listeners in the network namespace of this process; none if the kernel has no such table. */
export async function readForeignListeners(socket: AgentSocket): Promise<readonly Listener[]> {
  return listenersAt(await readListeners(), socket).foreign;
}

/** Whether an agent listens in the network namespace of this process; false if this is not known. */
export async function isServedByAgent(socket: AgentSocket): Promise<boolean> {
  return listenersAt(await readListeners().catch(() => []), socket).ofAgents.length > 0;
}

async function readListeners(): Promise<readonly Listener[]> {
  const families = ['tcp', 'tcp6'] as const;
  const tables = await Promise.all(families.map((family) => readListening(`/proc/net/${family}`)));
  return families.flatMap((family, at) => parseListeners(tables[at] ?? '', family));
}

async function readListening(path: string): Promise<string> {
  let text = '';
  try {
    for await (const part of createReadStream(path, { encoding: 'latin1', highWaterMark: 16 * 1024 })) {
      text += String(part);
      if (text.length > longestTable || isPastListeners(text)) break;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return text;
}

/** Whether the last whole row is one of a connection. */
function isPastListeners(text: string): boolean {
  const [, last = ''] = text.slice(-512).split('\n').slice(-2, -1).concat('').toReversed();
  const [, , , state] = last.trim().split(/\s+/);
  return state !== undefined && /^[0-9A-F]{2}$/.test(state) && state !== '0A';
}
