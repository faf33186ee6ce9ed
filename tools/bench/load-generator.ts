// The load generator in its own process, so that the memory of the bench does not slow it down.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '../stage/within.ts';
import { runFresh, runKept, type Load, type Run } from './load.ts';

export interface Order {
  readonly load: Load;
  /** New connections for each request, so many at a time; without: kept ones. */
  readonly newConnections?: number;
}

export interface LoadGenerator {
  readonly pid: number;
  run(order: Order): Promise<Run>;
  stop(): void;
}

/** For one order. */
const patienceMs = 180_000;

export function startLoadGenerator(): LoadGenerator {
  const child = fork(fileURLToPath(import.meta.url), ['serve'], { stdio: 'inherit' });
  return {
    pid: child.pid ?? 0,
    run: async (order) => {
      const answered = once(child, 'message');
      child.send(order);
      const what = `the load generator to send ${order.load.requests} requests to port ${order.load.port}`;
      const [answer] = (await within(patienceMs, what, answered)) as [Run | string];
      if (typeof answer === 'string') throw new Error(answer);
      return answer;
    },
    stop: () => void child.kill(),
  };
}

function carryOut({ load, newConnections }: Order): Promise<Run> {
  return newConnections === undefined ? runKept(load) : runFresh(load, newConnections);
}

if (process.argv[2] === 'serve') {
  process.on('message', (order) => {
    carryOut(order as Order).then(
      (run) => process.send?.(run),
      (error: unknown) => process.send?.(String(error)),
    );
  });
}
