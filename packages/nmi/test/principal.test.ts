// Service principals at the simulator's Entra over TLS, with their Secrets in its API server.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { systemClock } from '@pod-identity/kit/serve';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { kubeClient, startSim, type KubeClient, type Sim } from '@pod-identity/sim';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEntraClient } from '../src/tokens/principal/entra-client.ts';
import { principalError, type EntraResponse } from '../src/tokens/principal/entra-errors.ts';
import { createEntraHttp } from '../src/tokens/principal/entra-http.ts';
import { readCertificate } from '../src/tokens/principal/certificate.ts';
import { createCertificateReader } from '../src/tokens/principal/certificate-reader.ts';
import { createOpenssl } from '../src/tokens/principal/openssl.ts';
import { createPrincipalSource } from '../src/tokens/principal/principal-source.ts';
import { createSecretReader } from '../src/tokens/principal/secret-reader.ts';
import { createTokenSource } from '../src/tokens/source.ts';
import type { ServicePrincipal, TokenSubject, WantedToken } from '../src/tokens/types.ts';
import { callerOf, openQueue, wantedFor } from './builders.ts';
import { makeCertificate, makePfx, whyNoCertificates, type Made } from './certificates.ts';

let sim: Sim;
let kube: KubeClient;
let transport: KubeTransport;
let folder: string;
let rsa: Made;
let issued: Made;
beforeAll(async () => {
  sim = await startSim();
  kube = kubeClient(sim.kube.url);
  folder = await mkdtemp(join(tmpdir(), 'nmi-principal-'));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  transport = await connectKube({ kubeconfig, userAgent: 'nmi/test' });
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), readFileSync(sim.azure.caFile, 'utf8')]);
  if (whyNoCertificates !== undefined) return;
  rsa = makeCertificate('rsa');
  issued = makeCertificate('rsa', { isIssued: true });
});
afterAll(async () => {
  await transport.close();
  await sim.stop();
  await rm(folder, { recursive: true });
});
afterEach(() => {
  sim.azure.faults.clear();
  sim.kube.faults.clear();
});

const free = callerOf();
const hour = 3_600_000;
let count = 0;

interface Draft {
  readonly keys?: Readonly<Record<string, string | Buffer>>;
  readonly app?: Partial<Parameters<Sim['azure']['world']['addApp']>[0]>;
  readonly subject?: Partial<ServicePrincipal>;
}

/** An application, its Secret, and a node's tokens. */
async function stage({ keys = { clientSecret: 'right' }, app = {}, subject: over = {} }: Draft = {}) {
  const name = `app-${++count}`;
  const clientId = crypto.randomUUID();
  sim.azure.world.addApp({ clientId, secrets: ['right'], ...app });
  const path = '/api/v1/namespaces/default/secrets';
  const put = async (content: Draft['keys'] = {}) => {
    const entries = Object.entries(content).map(([key, value]) => [
      key,
      Buffer.from(value).toString('base64'),
    ]);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default' },
      data: Object.fromEntries(entries) as Record<string, string>,
    };
    await kube.request('POST', path, secret);
  };
  await put(keys);
  const subject: ServicePrincipal = {
    kind: 'service-principal',
    name: `default/${name}`,
    clientId,
    tenantId: sim.azure.world.defaultTenantId,
    auxiliaryTenantIds: [],
    authority: sim.azure.entraUrl,
    credential:
      'clientSecret' in keys || !('certificate' in keys || 'tls.crt' in keys) ? 'secret' : 'certificate',
    secret: { namespace: 'default', name },
    ...over,
  };
  // Entra judges assertions by the real time.
  const clock = createFakeClock(Date.now());
  return {
    tokens: tokensOn(clock),
    clock,
    subject,
    secretPath: `${path}/${name}`,
    put,
    wish: wantedFor<TokenSubject>(subject),
  };
}

function tokensOn(clock: FakeClock) {
  const http = createEntraHttp();
  const random = () => 0.5;
  const principals = createPrincipalSource({
    secretReader: createSecretReader(transport),
    entra: createEntraClient(http, clock),
    certificates: createCertificateReader({ openssl: createOpenssl(systemClock), clock }),
    turns: openQueue,
    clock,
    onSecretChanged: () => undefined,
    onRequested: () => undefined,
  });
  return createTokenSource({
    upstream: { requestToken: (wish) => principals.requestToken(wish as WantedToken<ServicePrincipal>) },
    clock,
    random,
    queueFor: () => openQueue,
    look: (subject) => (subject.kind === 'service-principal' ? principals.look(subject) : undefined),
  });
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, string>;
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('there is a token');
    },
    (error: unknown) => error as Error,
  );

describe('C12, C59 type 1: a client secret', () => {
  it('E25: a token of the application for the resource, with one question and no other', async () => {
    const { tokens, wish, subject, clock } = await stage();
    const mark = sim.azure.journal.mark();
    const { issued: token, from } = await tokens.get(wish, free);
    expect(from).toBe('miss');
    expect(token.access.expiresOnTimestamp).toBe(clock.now() + hour);
    expect(claimsOf(token.access.token)).toMatchObject({ appid: subject.clientId, tid: subject.tenantId });
    expect(token).toMatchObject({ clientId: subject.clientId, objectId: expect.any(String) as string });
    const asked = sim.azure.journal.entries({ since: mark, service: 'entra' });
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /${subject.tenantId}/oauth2/v2.0/token`,
    ]);
    expect(JSON.stringify(sim.azure.journal.entries({ since: mark }))).not.toContain('right');
  });

  it.each([
    ['https://vault.azure.net', 'https://vault.azure.net'],
    ['https://vault.azure.net/', 'https://vault.azure.net/'],
    ['api://something', 'api://something'],
  ])('for %s the audience is %s', async (resource, audience) => {
    const { tokens, wish } = await stage();
    const { issued: token } = await tokens.get({ ...wish, resource }, free);
    expect(claimsOf(token.access.token)['aud']).toBe(audience);
    expect(token.access.resource).toBe(resource);
  });

  it.each<[string, Draft, string, RegExp]>([
    ['a wrong secret', { keys: { clientSecret: 'wrong' } }, 'denied', /AADSTS7000215.*Secret default\/app-/],
    [
      'an expired secret',
      { keys: { clientSecret: 'old' }, app: { secrets: [{ value: 'old', expiresAt: 1 }] } },
      'denied',
      /AADSTS7000222.*expired.*Secret default\/app-/,
    ],
    [
      'a tenant that knows it not',
      { app: { tenantId: 'elsewhere' } },
      'denied',
      /AADSTS700016.*spec.tenantID/,
    ],
    [
      'a tenant that nobody knows',
      { subject: { tenantId: 'nowhere.example' } },
      'denied',
      /AADSTS90002.*spec.tenantID/,
    ],
  ])('C53 %s: why, with what to do and without a full id', async (...[, draft, code, text]) => {
    const { tokens, wish, subject } = await stage(draft);
    const error = await failure(tokens.get(wish, free));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(text);
    expect(error.message).not.toContain(subject.clientId);
    expect(error.message).not.toContain(sim.azure.world.defaultTenantId);
    expect(error.message).not.toMatch(/right|wrong secret|\bold\b/);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('C60 type 2: a certificate', () => {
  const thumbprints = () => [rsa.certificate];
  const registered = () => ({ certificates: thumbprints(), secrets: [] });

  it.each<[string, () => Record<string, string | Buffer>]>([
    ['PKCS#12 with today’s ciphers', () => ({ certificate: makePfx(rsa, 'p'), password: 'p' })],
    ['PKCS#12 with those of old', () => ({ certificate: makePfx(rsa, 'p', '-legacy'), password: 'p' })],
    ['PEM', () => ({ certificate: rsa.certificate + rsa.key })],
    ['kubernetes.io/tls', () => ({ 'tls.crt': rsa.certificate, 'tls.key': rsa.key })],
  ])('W-C11: %s', async (_, keys) => {
    const { tokens, wish, subject } = await stage({ keys: keys(), app: registered() });
    const { issued: token } = await tokens.get(wish, free);
    expect(claimsOf(token.access.token)).toMatchObject({ appid: subject.clientId });
  });

  it('sends the whole chain, for applications that trust subject and issuer', async () => {
    const { subject, clock } = await stage();
    const sent: string[] = [];
    const post = ({ body }: { readonly body: string }) => {
      sent.push(new URLSearchParams(body).get('client_assertion') ?? '');
      return Promise.resolve({ kind: 'silence' } as const);
    };
    const { requestToken } = createEntraClient({ post }, clock);
    const certificate = readCertificate(issued.key, issued.certificate + issued.issuers.join(''));
    if (typeof certificate === 'string') throw new Error(certificate);
    const errorOf = (response: EntraResponse) => principalError(response, subject, 't');
    const question = { subject, tenantId: 't', resource: 'r', errorOf };
    await failure(requestToken({ ...question, proof: { kind: 'certificate', certificate } }));
    const header = JSON.parse(Buffer.from(sent[0]?.split('.')[0] ?? '', 'base64url').toString()) as {
      alg: string;
      x5c: string[];
    };
    expect(header.alg).toBe('PS256');
    expect(header.x5c).toEqual(
      [issued.certificate, ...issued.issuers].map((pem) => new X509Certificate(pem).raw.toString('base64')),
    );
  });

  it('with an elliptic curve', async () => {
    const elliptic = makeCertificate('p256');
    const app = { certificates: [elliptic.certificate], secrets: [] };
    const keys = { certificate: makePfx(elliptic, 'p'), password: 'p' };
    const allowed = await stage({ keys, app: { ...app, ellipticCurves: true } });
    await expect(allowed.tokens.get(allowed.wish, free)).resolves.toMatchObject({ from: 'miss' });
    const today = await stage({ keys, app });
    const error = await failure(today.tokens.get(today.wish, free));
    expect(error).toMatchObject({ code: 'denied', message: expect.stringContaining('RSA key') as string });
  });

  it.each<[string, () => Record<string, string | Buffer>, string, RegExp]>([
    [
      'that is not registered',
      () => ({ certificate: issued.certificate + issued.key }),
      'denied',
      /AADSTS700027/,
    ],
  ])('C53 %s: told what is wrong', async (...[, keys, code, text]) => {
    const { tokens, wish } = await stage({ keys: keys(), app: registered() });
    const error = await failure(tokens.get(wish, free));
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) as string });
  });
});

describe('W-S1: the Secret', () => {
  it('that is missing is named, and found soon after it was made', async () => {
    const { tokens, wish, clock, secretPath, put } = await stage();
    await kube.request('DELETE', secretPath);
    const error = await failure(tokens.get(wish, free));
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(error.message).toMatch(/Secret default\/app-\d+.*does not exist/);
    await put({ clientSecret: 'right' });
    await clock.advance(5_000);
    await expect(tokens.get(wish, free)).resolves.toMatchObject({ from: 'miss' });
  });

  it('that NMI may not read: told which binding is missing where', async () => {
    const { tokens, wish } = await stage();
    sim.kube.faults.add({ match: { path: /secrets\// }, then: { status: 403, body: {} } });
    const error = await failure(tokens.get(wish, free));
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(error.message).toMatch(/ClusterRole pod-identity-nmi-secrets.*namespace default/);
  });
});
