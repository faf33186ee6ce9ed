// The login endpoint, or a proxy before it, with invalid responses.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import {
  createServerCertificate,
  hostilities,
  startHostileServer,
  type HostileServer,
  type Hostility,
} from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { applicationToken } from '../src/azure/credential/application-token.ts';

let server: HostileServer;
let certificate: Awaited<ReturnType<typeof createServerCertificate>>;
beforeAll(async () => {
  certificate = await createServerCertificate();
  server = await startHostileServer(certificate);
  const authority = readFileSync(certificate.caFile, 'utf8');
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority]);
});
afterAll(async () => {
  await server.close();
  await certificate.dispose();
});

const ask = (signal: AbortSignal) => {
  const endpoints = {
    resourceManager: 'https://arm',
    authority: server.url,
    audience: 'https://arm',
    customAuthority: true,
    computeApiVersion: '1',
  };
  const source = applicationToken(
    { kind: 'client-secret', tenantId: 'tenant', clientId: 'app', clientSecret: 'hidden' },
    endpoints,
  );
  return source({ fresh: true, signal });
};

/** After a complete response the connection is kept for the next request. */
const whole: readonly Hostility[] = ['redirects elsewhere', 'switches to nothing', 'sends a bomb'];

describe.each(hostilities)('a login endpoint that %s', (script) => {
  it('gets no token and no part of the secret out, and no redirect is followed', async () => {
    server.play(script);
    const before = server.asked.length;
    const deadline = new AbortController();
    const asking = ask(deadline.signal).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // A busy machine may need longer for the connection alone.
    await vi.waitUntil(() => server.asked.length > before, { timeout: 60_000 });
    const timer = setTimeout(() => deadline.abort(), 1_000);
    const error: unknown = await asking;
    clearTimeout(timer);
    expect(server.asked.length).toBeGreaterThan(before);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain('hidden');
    expect(server.asked.filter((line) => line.includes('elsewhere'))).toEqual([]);
    if (!whole.includes(script)) await server.quiet();
  });
});

it('an address of a proxy that is none is told, without its password', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://name:secret@[bad');
  const failure = await ask(new AbortController().signal).catch(String);
  vi.unstubAllEnvs();
  expect(failure).toMatch(/: HTTPS_PROXY, ALL_PROXY or HTTP_PROXY is not the address of a proxy$/);
});

it('an endless response is not read until the deadline', async () => {
  server.play('sends a body without end');
  await expect(ask(AbortSignal.timeout(60_000))).rejects.toMatchObject({ code: 'token-unavailable' });
});
