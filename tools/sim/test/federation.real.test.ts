// Tokens of real API servers are what Entra in the simulator exchanges, by the documents that these publish.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { startApiServer, whyNoApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { connectKube } from '@pod-identity/kit/kube';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { discoverKeysAt } from '../src/index.ts';
import { start } from './azure-harness.ts';

const missing = whyNoApiServer();
if (missing !== undefined) console.warn(`no token of a real API server is exchanged: ${missing}`);

describe.skipIf(missing !== undefined).each(['v1.20', 'v1.34'] as const)('a token of %s', (flavour) => {
  let server: RunningApiServer;
  let ca: string;

  beforeAll(async () => {
    const started = await startApiServer({ flavour });
    if ('skipped' in started) throw new Error(started.skipped);
    server = started;
    ca = await authorityOf(server.kubeconfig);
  });
  afterAll(() => server.stop());

  /** A token of the ServiceAccount `ns/broker` for an audience. */
  async function tokenFor(audience: string): Promise<string> {
    await server.token('ns/broker');
    const kube = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'federation-test' });
    const path = '/api/v1/namespaces/ns/serviceaccounts/broker/token';
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience] },
    };
    try {
      const response = await kube.request({ method: 'POST', path, body });
      return (response as { readonly status: { readonly token: string } }).status.token;
    } finally {
      await kube.close();
    }
  }

  async function exchange(assertion: string, subject = 'system:serviceaccount:ns:broker') {
    const url = server.server;
    const azure = await start({ now: Date.now, fetchIssuerKeys: discoverKeysAt({ url, ca }) });
    azure.world.addFederatedCredential('client-a', { issuer: url, subject });
    const { status, body } = await azure.askEntra({
      client_id: 'client-a',
      scope: 'https://vault.azure.net/.default',
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    });
    return { status, codes: body['error_codes'] };
  }

  test('for the audience of Entra is exchanged', async () => {
    expect(await exchange(await tokenFor('api://AzureADTokenExchange'))).toMatchObject({ status: 200 });
  });

  test('for another audience is not', async () => {
    expect(await exchange(await tokenFor('api://another'))).toEqual({ status: 401, codes: [700212] });
  });

  test('of another subject than the registered one is not', async () => {
    const token = await tokenFor('api://AzureADTokenExchange');
    const refused = await exchange(token, 'system:serviceaccount:other:broker');
    expect(refused).toEqual({ status: 401, codes: [700213] });
  });

  test('with a changed payload is not', async () => {
    const token = await tokenFor('api://another');
    const [head = '', payload = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const forged = { ...claims, aud: ['api://AzureADTokenExchange'] };
    const text = Buffer.from(JSON.stringify(forged)).toString('base64url');
    expect(await exchange([head, text, signature].join('.'))).toEqual({ status: 400, codes: [50013] });
  });
});

async function authorityOf(kubeconfig: string): Promise<string> {
  const { clusters } = parse(await readFile(kubeconfig, 'utf8')) as {
    readonly clusters: readonly { readonly cluster: Readonly<Record<string, string | undefined>> }[];
  };
  const [{ cluster } = { cluster: {} }] = clusters;
  const data = cluster['certificate-authority-data'];
  return data === undefined
    ? readFile(cluster['certificate-authority'] ?? '', 'utf8')
    : Buffer.from(data, 'base64').toString();
}
