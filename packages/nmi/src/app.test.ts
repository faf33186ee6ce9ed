import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { inbound, issuanceOf, tokenPath } from '../test/builders.ts';
import { createApp } from './app.ts';
import type { SentResponse, Outcome } from './respond/outcome.ts';

const token: Outcome = { kind: 'token', ...issuanceOf('reader') };

const stage = (outcome: Outcome | Error = token) => {
  const answered: SentResponse[] = [];
  const lines: string[] = [];
  const log = createLog({
    component: 'nmi',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
  });
  const handler = vi.fn(() =>
    outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome),
  );
  const proxied: Outcome = {
    kind: 'proxied',
    status: 200,
    contentType: 'text/plain',
    body: new Uint8Array(),
  };
  const app = createApp({
    token: { handle: handler },
    hostToken: { handle: () => Promise.resolve({ kind: 'nowhere', why: 'unknown' }) },
    proxy: { handle: () => Promise.resolve(proxied) },
    notAssignedStatus: 503,
    random: () => 0,
    clock: { ...createFakeClock(), elapsed: () => 250 },
    onSent: (one) => answered.push(one),
    log,
  });
  return { app, answered, handler, lines };
};

it('routes, handles and responds', async () => {
  const { app, answered } = stage();
  await expect(app.respond(inbound(`//${tokenPath}/?resource=r`))).resolves.toMatchObject({ status: 200 });
  expect(answered).toMatchObject([{ route: 'token', status: 200, ms: 250, outcome: { kind: 'token' } }]);
});

it('a handler that fails is answered 500, and the log says how', async () => {
  const { app, answered, lines } = stage(new RangeError('surprise'));
  await expect(app.respond(inbound(tokenPath))).resolves.toMatchObject({ status: 500 });
  expect(answered[0]?.outcome).toEqual({ kind: 'crashed' });
  expect(lines.join('')).toContain('surprise');
});

it('every request, whatever it is, ends in exactly one outcome and one well-formed answer', async () => {
  const target = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(tokenPath, '/host/token', '/metadata/instance', '/latest', '/metadata/identity/x', '*'),
  );
  await fc.assert(
    fc.asyncProperty(
      target,
      fc.string(),
      fc.dictionary(fc.string(), fc.string()),
      async (path, method, headers) => {
        const { app, answered } = stage();
        const response = await app.respond(inbound(path, { method, headers }));
        expect(answered).toHaveLength(1);
        expect(response.status).toBeGreaterThanOrEqual(200);
        expect(response.headers['Content-Length']).toBe(String(Buffer.byteLength(response.body)));
      },
    ),
  );
});
