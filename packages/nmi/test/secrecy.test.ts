import { systemClock } from '@pod-identity/kit/serve';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connection, inbound } from './builders.ts';
import { addressOf, startStage, tokenPath, vaultResource, type Nmi, type Stage } from './harness.ts';

let stage: Stage;
let nmi: Nmi;
let bound: string;
let stranger: string;
beforeAll(async () => {
  stage = await startStage();
  const identity = await stage.bound('keeper');
  stage.attach(identity);
  bound = addressOf(await stage.cluster.pod({ name: 'keeper-pod', label: 'keeper' }));
  stranger = addressOf(await stage.cluster.pod({ name: 'stranger', label: 'nobody' }));
  await stage.record({ pod: 'keeper-pod', identity: 'keeper', state: 'Assigned' });
  nmi = await stage.nmi(['--hold=0s', '--caller-hold=0s', '--enable-host-token']);
});
afterAll(() => stage.stop());

/** Secrets that a caller may send by mistake, or to have them written where it can read them. */
const secrets = [
  'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYWxsZXIifQ.c2VjcmV0LW9mLXRoZS1jYWxsZXI',
  'client_secret=hunter2hunter2',
  'Bearer hunter2hunter2hunter2',
];
const aText = fc.oneof(
  fc.constantFrom(
    ...secrets,
    'https://vault.azure.net',
    'a\nb',
    '\r\n2026 ERROR forged',
    '\u0085\u2028',
    '"',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const aName = fc.constantFrom(
  ...['resource', 'client_id', 'object_id', 'msi_res_id', 'api-version', 'bypass_cache', 'xms_cc', 'x'],
);
const aQuery = fc.oneof(
  fc.constant(vaultResource),
  fc
    .array(fc.tuple(fc.oneof(aName, aText), aText), { maxLength: 5 })
    .map((pairs) =>
      new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString(),
    ),
  aText,
);
const aPath = fc.oneof(
  fc.constantFrom(tokenPath, '/host/token', '/metadata/instance', '/metadata/identity/x', '/latest'),
  aText.map((text) => `/${text}`),
);
const aHeaders = fc.oneof(
  fc.constant({ metadata: 'true' }),
  fc
    .record(
      { authorization: aText, podname: aText, podns: aText, host: aText, 'x-forwarded-for': aText },
      { requiredKeys: [] },
    )
    .map((headers) => ({ ...headers, metadata: 'true' })),
);

const plain = { query: vaultResource, path: tokenPath, headers: { metadata: 'true' } };

it('whatever a caller sends: no secret in any line, Event or metric, and every line is one line', async () => {
  const tokens = new Set<string>();
  const patience = {
    deadline: systemClock.elapsed() + 30_000,
    caller: { gone: new AbortController().signal },
  };
  expect(await nmi.agent.readiness.whenReady(patience)).toBe(true);
  await fc.assert(
    fc.asyncProperty(
      fc.record({ query: aQuery, path: aPath, headers: aHeaders, peer: fc.constantFrom(0, 1, 2, 3) }),
      async ({ query, path, headers, peer }) => {
        const from = [bound, stranger, '127.0.0.1', '10.99.99.99'][peer] ?? '';
        const target = `${path}?${query}`;
        const receivedAt = systemClock.elapsed();
        const answer = await nmi.agent.app.respond(
          inbound(target, {
            headers,
            peer: from,
            receivedAt,
            connection: connection(receivedAt),
          }),
        );
        const { access_token: token } = bodyOf(answer.body);
        if (token !== undefined) tokens.add(token);
      },
    ),
    // A token and a refusal are among what is said, whatever chance brings.
    { numRuns: 300, examples: [[{ ...plain, peer: 0 }], [{ ...plain, peer: 1 }]] },
  );
  await nmi.stop();
  const events = stage.sim.kube.list('events').map((event) => JSON.stringify(event));
  const said = [...nmi.lines, ...nmi.audit, ...events, await nmi.metricsText()];
  expect(tokens.size).toBeGreaterThan(0);
  expect(nmi.audit.length).toBeGreaterThan(0);
  expect(events.length).toBeGreaterThan(0);
  for (const text of said) {
    expect(text).not.toMatch(/eyJ[\w-]{8,}\.[\w-]+/);
    expect(text).not.toContain('hunter2');
  }
  for (const line of [...nmi.lines, ...nmi.audit]) expect(line).toMatch(/^[^\n\r\u0085\u2028\u2029]+\n$/);
});

function bodyOf(body: string | Uint8Array): { access_token?: string } {
  try {
    return JSON.parse(Buffer.from(body).toString()) as { access_token?: string };
  } catch {
    return {};
  }
}
