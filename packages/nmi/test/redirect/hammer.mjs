// Calls without pause, each on a connection of its own: node hammer.mjs HOST PORT. The first line read starts it, the second
// stops it; both are answered with how often each outcome came so far, as JSON.
import { get } from 'node:http';
import { createInterface } from 'node:readline';

const [host, port] = process.argv.slice(2);
const counts = {};
let isOn = false;
const once = () =>
  new Promise((resolve) => {
    const call = get({ host, port, path: '/', agent: false, timeout: 3_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.headers.server));
    });
    call.on('timeout', () => call.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
    call.on('error', (error) => resolve(error.code));
  });
const loop = async () => {
  while (isOn) {
    const outcome = await once();
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
};
const lines = createInterface({ input: process.stdin });
let loops = [];
lines.on('line', async () => {
  isOn = !isOn;
  if (isOn) loops = [loop(), loop(), loop(), loop()];
  else await Promise.all(loops);
  console.log(JSON.stringify(counts));
});
lines.on('close', () => process.exit(0));
console.log('up');
