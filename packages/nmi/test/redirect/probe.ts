// The path probe of the agent, once for each line read: node probe.ts HOST PORT. Says true or false.
import { createInterface } from 'node:readline';
import { systemClock } from '@pod-identity/kit/serve';
import { createPathProbe } from '../../src/redirect/path-probe.ts';

const [host = '', port = ''] = process.argv.slice(2);
const probe = createPathProbe({ host, port: Number(port) }, systemClock);
const lines = createInterface({ input: process.stdin });
lines.on('line', () => void probe().then((isOurs) => console.log(String(isOurs))));
lines.on('close', () => process.exit(0));
console.log('up');
