// Each row names the public documentation that it checks the simulator against.
import { describe, expect, test } from 'vitest';
import {
  a,
  b,
  containing,
  send,
  start,
  tenantId,
  userAssigned,
  vmId,
  vmssId,
} from '../../test/azure-harness.ts';

describe('Microsoft Learn: how to use managed identities on an Azure VM to acquire an access token', () => {
  const query = '?api-version=2018-02-01&resource=https://vault.azure.net';
  const refused = (description: unknown) => ({ error: 'invalid_request', error_description: description });

  test('"Get a token using HTTP": every field of the response is a string, and the token is for the identity', async () => {
    const azure = await start();
    const { status, headers, body } = await azure.askImds('pool_0', query);
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 200,
      type: 'application/json; charset=utf-8',
    });
    const seconds = azure.now() / 1000;
    expect(body).toMatchObject({
      expires_in: '3600',
      expires_on: `${seconds + 3600}`,
      not_before: `${seconds - 300}`,
      resource: 'https://vault.azure.net',
      token_type: 'Bearer',
      client_id: 'client-a',
    });
    const verdict = await azure.tokens.verify(String(body['access_token']), ['https://vault.azure.net']);
    const { principalId } = azure.world.identity(a);
    expect(verdict).toMatchObject({ ok: true, claims: { clientId: 'client-a', principalId, tenantId } });
  });

  test.each<[section: string, query: string, headers: Record<string, string>, description: unknown]>([
    ['"Error handling": no Metadata header', query, {}, 'Required metadata header not specified'],
    [
      '"Instance metadata service, security": no forwarded requests',
      query,
      { metadata: 'true', 'x-forwarded-for': '10.0.0.1' },
      containing('X-Forwarded-For'),
    ],
    [
      '"Get a token using HTTP": api-version is required',
      '?resource=r',
      { metadata: 'true' },
      containing('api-version'),
    ],
    [
      '"Get a token using HTTP": resource is required',
      '?api-version=2018-02-01',
      { metadata: 'true' },
      containing('resource'),
    ],
    [
      'a parameter may not be repeated',
      `${query}&resource=other`,
      { metadata: 'true' },
      containing('more than once'),
    ],
    [
      'one selector at a time',
      `${query}&client_id=client-a&object_id=x`,
      { metadata: 'true' },
      containing('Only one'),
    ],
    [
      '"Error handling": an identity that is not assigned',
      `${query}&client_id=client-b`,
      { metadata: 'true' },
      'Identity not found',
    ],
  ])('%s → 400', async (...[, asked, headers, description]) => {
    const azure = await start();
    const reply = await azure.askImds('pool_0', asked, { headers });
    expect(reply).toMatchObject({ status: 400, body: refused(description) });
  });

  test('"Error handling": an unknown resource → 400 invalid_resource', async () => {
    const azure = await start();
    const reply = await azure.askImds('pool_0', '?api-version=2018-02-01&resource=https://nothing.invalid');
    expect(reply).toMatchObject({
      status: 400,
      body: { error: 'invalid_resource', error_description: containing('AADSTS500011') },
    });
  });

  test('client_id, object_id, msi_res_id and mi_res_id select, case-insensitively', async () => {
    const azure = await start();
    azure.world.attach(vmssId, b);
    const { principalId } = azure.world.identity(b);
    for (const selector of [
      'client_id=CLIENT-B',
      `object_id=${principalId}`,
      `msi_res_id=${b.toUpperCase()}`,
      `mi_res_id=${b}`,
    ]) {
      const { body } = await azure.askImds('pool_1', `${query}&${selector}`);
      expect([selector, body['client_id']]).toEqual([selector, 'client-b']);
    }
  });

  test('without a selector: the system assigned identity, else the only user assigned one, else 400', async () => {
    const azure = await start();
    const ask = () => azure.askImds('vm', query);
    expect(await ask()).toMatchObject({ status: 400, body: refused('Identity not found') });
    azure.world.attach(vmId, a);
    expect((await ask()).body['client_id']).toBe('client-a');
    azure.world.attach(vmId, b);
    expect((await ask()).body).toEqual(
      refused(
        'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
      ),
    );
    await azure.patch(vmId, { type: 'SystemAssigned, UserAssigned' });
    azure.advance(50);
    expect((await ask()).status).toBe(200);
  });

  test('"Retry guidance": more than 20 requests in a second, or 5 at a time → 429', async () => {
    const azure = await start({ enforceImdsLimits: true });
    const handle = azure.imds('pool_0');
    const ask = () =>
      send(handle, `/metadata/identity/oauth2/token${query}`, { headers: { metadata: 'true' } });
    const atOnce = await Promise.all(Array.from({ length: 7 }, ask));
    expect(atOnce.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    for (let sent = 5; sent < 20; sent += 1) expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
    azure.advance(1000);
    expect((await ask()).status).toBe(200);
  });

  test('AAD Pod Identity, known issues: an identity deleted or recreated since it was attached → Identity not found', async () => {
    const azure = await start();
    const recreated = azure.world.recreateIdentity(a);
    for (const clientId of ['client-a', recreated.clientId])
      expect((await azure.askImds('pool_0', `${query}&client_id=${clientId}`)).body).toEqual(
        refused('Identity not found'),
      );
    expect(azure.world.host(vmssId).identity.userAssignedIdentities).toEqual({
      [a]: { clientId: null, principalId: null },
    });
    azure.world.detach(vmssId, a);
    azure.world.attach(vmssId, a);
    expect((await azure.askImds('pool_0', query)).status).toBe(200);
  });

  test('an identity is served only when the update that attaches it has succeeded', async () => {
    const azure = await start();
    await azure.patch(vmssId, userAssigned(b));
    expect(azure.world.attachedTo(vmssId)).toHaveLength(2);
    expect((await azure.askImds('pool_0', `${query}&client_id=client-b`)).status).toBe(400);
    azure.advance(50);
    expect((await azure.askImds('pool_0', `${query}&client_id=client-b`)).status).toBe(200);
  });
});

describe('Microsoft Learn: Azure Instance Metadata Service', () => {
  const ask = async (url: string, headers: Record<string, string> = { metadata: 'true' }) => {
    const azure = await start();
    return send(azure.imds('pool_1'), url, { headers });
  };

  test('"Access": instance data names the machine', async () => {
    const { body } = await ask('/metadata/instance/compute?api-version=2021-02-01');
    expect(body).toMatchObject({
      name: 'pool_1',
      vmScaleSetName: 'pool',
      resourceId: `${vmssId}/virtualMachines/1`,
    });
  });

  test('"Errors": no api-version → 400 naming the newest; no header → 400', async () => {
    const reply = await ask('/metadata/instance');
    expect(reply).toMatchObject({
      status: 400,
      body: { error: containing('api-version'), 'newest-versions': expect.any(Array) as unknown },
    });
    expect((await ask('/metadata/instance?api-version=2021-02-01', {})).status).toBe(400);
  });

  test.each(['/metadata/identity/getplatformmetadata', '/metadata/nothing'])(
    '"Errors": %s → 404',
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  test('"Errors": another method → 405', async () => {
    const azure = await start();
    expect((await azure.askImds('pool_0', '', { method: 'POST' })).status).toBe(405);
  });
});
