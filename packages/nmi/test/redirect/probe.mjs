// The path probe of the agent, once for each line read: node probe.mjs HOST PORT. Says true or false.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPathProbe } from '../../src/redirect/path-probe.ts';

const [host, port] = process.argv.slice(2);
const probe = createPathProbe({
  metadata: { host, port: Number(port) },
  clock: { sleep: (ms) => sleep(ms) },
});
const lines = createInterface({ input: process.stdin });
lines.on('line', () => void probe().then((isOurs) => console.log(String(isOurs))));
lines.on('close', () => process.exit(0));
console.log('up');
