import { createLog, createPrinter, startAdminServer, type AdminServer } from '@pod-identity/kit/serve';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkReady, type CheckReadyOptions } from './check-ready.ts';

const servers: AdminServer[] = [];
const machines: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  for (const machine of machines.splice(0)) machine.close();
});

const led = { interception: 'redirect', metadata: { host: '127.0.0.1', port: 1 } } as const;

const check = async (
  status: number,
  body: string,
  way: Pick<CheckReadyOptions, 'interception' | 'metadata'> = led,
) => {
  const server = await startAdminServer({
    port: 0,
    host: '127.0.0.1',
    routes: [{ path: '/readyz', respond: () => ({ status, body }) }],
    log: createLog({ component: 'nmi', level: 'error' }),
  });
  servers.push(server);
  const lines: string[] = [];
  const code = await checkReady({
    ...way,
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
    await checkReady({
      ...led,
      probe: { host: '', port: 1 },
      printer: createPrinter((line) => lines.push(line)),
    }),
  ).toBe(1);
  expect(lines[0]).toContain('nothing answers at port 1 (--http-probe-port, --http-probe-address)');
});

describe('with --interception=none', () => {
  const asked: (readonly [path: string | undefined, metadata: unknown])[] = [];
  /** At the address of the metadata service, by its word in the header Server. */
  const metadata = async (name: string) => {
    asked.length = 0;
    const server = createServer((request, response) => {
      asked.push([request.url, request.headers['metadata']]);
      response.writeHead(404, { Server: name }).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    machines.push(server);
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  };
  const told = async (at: CheckReadyOptions['metadata']) => {
    const { code, lines } = await check(200, 'ready\n', { interception: 'none', metadata: at });
    expect([code, lines[0], lines.length]).toEqual([0, 'ready', 2]);
    return lines[1];
  };

  it('is said that the machine itself answers, without asking it for a token', async () => {
    const machine = await metadata('IMDS/150.870.65.1854');
    expect(await told(machine)).toContain(`calls from here to 127.0.0.1:${machine.port}`);
    expect(await told(machine)).toContain('reach the metadata service of the machine');
    expect(asked).toEqual([
      ['/', undefined],
      ['/', undefined],
    ]);
  });

  it('or that the agent does', async () => {
    expect(await told(await metadata('pod-identity-nmi'))).toContain('are answered by NMI');
  });

  it('or that nothing does', async () => {
    expect(await told({ host: '127.0.0.1', port: 1 })).toContain('nothing answers');
  });

  it('and with another interception nobody is asked', async () => {
    const machine = await metadata('IMDS');
    const { lines } = await check(200, 'ready\n', { ...led, metadata: machine });
    expect([lines, asked]).toEqual([['ready'], []]);
  });
});
