import { createLog, createPrinter, startAdminServer, type AdminServer } from '@pod-identity/kit/serve';
import { afterEach, expect, it } from 'vitest';
import { checkReady } from './check-ready.ts';

const servers: AdminServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const check = async (status: number, body: string) => {
  const server = await startAdminServer({
    ...{ port: 0, host: '127.0.0.1' },
    routes: [{ path: '/readyz', answer: () => ({ status, body }) }],
    log: createLog({ component: 'nmi', level: 'error' }),
  });
  servers.push(server);
  const lines: string[] = [];
  const code = await checkReady({
    probe: { host: '127.0.0.1', port: server.port },
    printer: createPrinter((line) => lines.push(line)),
  });
  return { code, lines };
};

it('a probe that is a program learns that the agent is ready', async () => {
  expect(await check(200, 'ready\n')).toEqual({ code: 0, lines: ['ready'] });
});

it('or what is wrong with it', async () => {
  expect(await check(503, 'one thing\nanother\n')).toEqual({ code: 1, lines: ['one thing', 'another'] });
});

it('or that there is no agent', async () => {
  const lines: string[] = [];
  expect(
    await checkReady({ probe: { host: '', port: 1 }, printer: createPrinter((line) => lines.push(line)) }),
  ).toBe(1);
  expect(lines[0]).toContain('the agent does not answer at port 1 (--http-probe-port, --http-probe-address)');
});
