import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createLog, startAdminServer } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { fromSources } from '../../../tools/stage/places.ts';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');

/** The program itself, as a process. */
const nmi = async (...args: string[]) => {
  const child = spawn(process.execPath, [...fromSources, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
};

it('check-ready prints what is wrong and ends with 1, or with 0 when all is well', async () => {
  let status = 503;
  const clock = createFakeClock();
  const server = await startAdminServer({
    clock,
    port: 0,
    host: '127.0.0.1',
    routes: [{ path: '/readyz', respond: () => ({ status, body: 'the listener does not answer\n' }) }],
    log: createLog({ component: 'nmi', level: 'error' }),
  });
  const check = () => nmi('check-ready', '--http-probe-port', `${server.port}`);
  expect(await check()).toEqual({ code: 1, out: 'the listener does not answer\n', err: '' });
  status = 200;
  // A response serves all calls of a second.
  await clock.advance(1_000);
  expect((await check()).code).toBe(0);
  await server.close();
});
