// Each row names the public documentation that it checks the simulator against.
import { describe, expect, test } from 'vitest';
import {
  a,
  b,
  c,
  callerId,
  containing,
  createHarness,
  error,
  group,
  identityId,
  ids,
  start,
  tenantId,
  type Harness,
  userAssigned,
  vmId,
  vmssId,
} from '../../test/azure-harness.ts';

describe('Azure Resource Manager: authentication and requests', () => {
  const url = `${vmssId}?api-version=2024-07-01`;

  test.each<[says: string, authorization: (azure: Harness) => string | Promise<string>, code: string]>([
    ['no token', () => '', 'AuthenticationFailed'],
    ['no JWT', () => 'Bearer x', 'InvalidAuthenticationToken'],
    [
      'a token for another resource',
      async (azure) => bearer(azure, 'https://vault.azure.net'),
      'InvalidAuthenticationTokenAudience',
    ],
    [
      'a token of another issuer',
      async () => bearer(await start({ ownKeys: true }), 'https://management.azure.com'),
      'InvalidAuthenticationToken',
    ],
    [
      'an expired token',
      async (azure) => {
        const token = await bearer(azure, 'https://management.azure.com');
        azure.advance(3_600_000);
        return token;
      },
      'ExpiredAuthenticationToken',
    ],
  ])('%s → 401 %s', async (_, authorization, code) => {
    const azure = await start();
    const reply = await azure.askArm(url, { headers: { authorization: await authorization(azure) } });
    expect(reply).toMatchObject({
      status: 401,
      body: error(code),
      headers: { 'www-authenticate': containing('Bearer authorization_uri') },
    });
  });

  async function bearer(azure: Harness, audience: string): Promise<string> {
    return `Bearer ${(await azure.tokens.mint({ principalId: 'p', clientId: 'c', tenantId }, audience)).token}`;
  }

  test.each<[says: string, url: string, method: string, status: number, code: string]>([
    ['no api-version', vmssId, 'GET', 400, 'MissingApiVersionParameter'],
    ['an api-version that is no date', `${vmssId}?api-version=new`, 'GET', 400, 'InvalidApiVersionParameter'],
    ['a host that is not there', `${vmssId}x?api-version=2024-07-01`, 'GET', 404, 'ResourceNotFound'],
    [
      'an identity that is not there',
      `${identityId('x')}?api-version=2023-01-31`,
      'GET',
      404,
      'ResourceNotFound',
    ],
    [
      'an unknown type',
      `${group}/providers/Other/things/x?api-version=2024-07-01`,
      'GET',
      404,
      'InvalidResourceType',
    ],
    ['another method', url, 'DELETE', 405, 'MethodNotAllowed'],
  ])('%s', async (...[, asked, method, status, code]) => {
    const azure = await start();
    expect(await azure.askArm(asked, { method })).toMatchObject({ status, body: error(code) });
  });

  test('Managed identities, GET: a user assigned identity has its ids', async () => {
    const azure = await start();
    const { clientId, principalId } = azure.world.identity(a);
    const { body } = await azure.askArm(`${a.toUpperCase()}?api-version=2023-01-31`);
    expect(body).toMatchObject({ id: a, name: 'a', properties: { clientId, principalId, tenantId } });
  });

  test('Virtual machine scale sets, GET: no identity block when there is none', async () => {
    const azure = await start();
    azure.world.wipeIdentities(vmssId);
    const { status, body, headers } = await azure.askArm(url);
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('identity');
    expect(body).toMatchObject({ sku: { capacity: 2 }, properties: { provisioningState: 'Succeeded' } });
    expect(headers['etag']).toBe(body['etag']);
  });
});

describe('Microsoft Learn: configure managed identities on a virtual machine (scale set) using REST', () => {
  test('"Assign": unnamed identities stay, {} adds, null removes, all without regard to case', async () => {
    const azure = await start();
    await azure.patch(vmssId, userAssigned(b.toUpperCase()));
    azure.advance(50);
    expect(azure.world.attachedTo(vmssId)).toEqual([a, b].map((id) => id.toLowerCase()));
    await azure.patch(vmssId, {
      type: 'UserAssigned',
      userAssignedIdentities: { [a.toUpperCase()]: null, [c]: {} },
    });
    azure.advance(50);
    expect(azure.world.attachedTo(vmssId)).toEqual([b, c].map((id) => id.toLowerCase()));
  });

  test('a PATCH that names no identity block changes none', async () => {
    const azure = await start();
    const reply = await azure.askArm(`${vmssId}?api-version=2024-07-01`, {
      method: 'PATCH',
      body: '{"tags":{}}',
    });
    expect(reply.status).toBe(200);
    expect(azure.world.attachedTo(vmssId)).toEqual([a.toLowerCase()]);
  });

  test.each<[from: boolean, identity: unknown, type: string]>([
    [false, { type: 'None' }, 'None'],
    [false, { type: 'SystemAssigned' }, 'SystemAssigned'],
    [true, { type: 'UserAssigned', userAssignedIdentities: { [a]: {} } }, 'UserAssigned'],
    [
      true,
      { type: 'SystemAssigned,UserAssigned', userAssignedIdentities: { [b]: {} } },
      'SystemAssigned, UserAssigned',
    ],
    [true, { type: 'SystemAssigned' }, 'SystemAssigned'],
    [true, { type: 'None' }, 'None'],
  ])('"Remove": system assigned before: %s, then %j → %s', async (system, identity, type) => {
    const azure = await createHarness({
      seed(world) {
        for (const resourceId of ids) world.addIdentity({ resourceId });
        world.addVirtualMachine({ id: vmId, systemAssigned: system, identities: [a] });
      },
    });
    const before = azure.world.host(vmId).identity.principalId;
    expect((await azure.patch(vmId, identity)).status).toBe(200);
    const after = azure.world.host(vmId).identity;
    expect(after.type).toBe(type);
    if (system && type.includes('SystemAssigned')) expect(after.principalId).toBe(before);
    if (!type.includes('SystemAssigned')) expect(after.principalId).toBeUndefined();
  });

  const many = Object.fromEntries(Array.from({ length: 151 }, (_, index) => [identityId(`n${index}`), {}]));
  test.each<[says: string, identity: unknown, code: string, message: unknown]>([
    [
      'the last identity removed but the type kept',
      { type: 'UserAssigned', userAssignedIdentities: { [a]: null } },
      'MissingIdentityIds',
      containing("'UserAssigned'"),
    ],
    [
      'a map with another type',
      { type: 'None', userAssignedIdentities: { [a]: null } },
      'FailedIdentityOperation',
      containing('non-UserAssigned'),
    ],
    [
      'an identity that is not there',
      userAssigned(b, identityId('gone')),
      'FailedIdentityOperation',
      containing(`Resource '${identityId('gone')}' was not found`),
    ],
    [
      'the same id in two spellings',
      userAssigned(b, b.toUpperCase()),
      'InvalidParameter',
      containing('cannot be duplicated'),
    ],
    ['an id of something else', userAssigned(vmId), 'LinkedInvalidPropertyId', containing(vmId)],
    [
      'more than 150 ids',
      { type: 'UserAssigned', userAssignedIdentities: many },
      'InvalidParameter',
      containing('151'),
    ],
    ['an unknown type', { type: 'Mine' }, 'InvalidParameter', containing('identity.type')],
    ['no type', { userAssignedIdentities: { [b]: {} } }, 'InvalidParameter', containing('identity.type')],
    [
      'a value that is no object',
      { type: 'UserAssigned', userAssignedIdentities: { [b]: 'x' } },
      'InvalidIdentityValues',
      containing(b),
    ],
    [
      'ids given for a new entry',
      { type: 'UserAssigned', userAssignedIdentities: { [b]: { clientId: 'x' } } },
      'InvalidIdentityValues',
      containing(b),
    ],
    ['no object', [], 'InvalidParameter', containing('identity')],
  ])(
    'Azure Resource Manager, common errors: %s → 400 %s and nothing of the patch is applied',
    async (...[, identity, code, message]) => {
      const azure = await start();
      const before = azure.world.host(vmssId);
      expect(await azure.patch(vmssId, identity)).toMatchObject({ status: 400, body: error(code, message) });
      expect(azure.world.host(vmssId)).toEqual(before);
    },
  );

  test('the first missing identity in order is named, quoted', async () => {
    const azure = await start();
    const { body } = await azure.patch(vmssId, userAssigned(identityId('z'), identityId('y')));
    expect(body).toEqual(
      error(
        'FailedIdentityOperation',
        `Identity operation for resource '${vmssId}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{"error":{"code":"BadRequest","message":"Resource '${identityId('y')}' was not found."}}'.'.`,
      ),
    );
  });

  test('AAD Pod Identity, known issues: adding a dead entry again does not bring it back, remove and add does', async () => {
    const azure = await start();
    azure.world.recreateIdentity(a);
    await azure.patch(vmssId, userAssigned(a, b));
    azure.advance(50);
    expect(azure.world.host(vmssId).identity.userAssignedIdentities[a]?.clientId).toBeNull();
    await azure.patch(vmssId, { type: 'UserAssigned', userAssignedIdentities: { [a]: null } });
    azure.advance(50);
    await azure.patch(vmssId, userAssigned(a));
    expect(azure.world.host(vmssId).identity.userAssignedIdentities[a]?.clientId).toBe(
      azure.world.identity(a).clientId,
    );
  });

  test('rejectDeadEntries: a deleted identity that stays attached fails every other change', async () => {
    const azure = await start({ rejectDeadEntries: true });
    azure.world.deleteIdentity(a);
    expect(await azure.patch(vmssId, userAssigned(b))).toMatchObject({
      status: 400,
      body: error('FailedIdentityOperation', containing(a)),
    });
    const both = { type: 'UserAssigned', userAssignedIdentities: { [a]: null, [b]: {} } };
    expect((await azure.patch(vmssId, both)).status).toBe(200);
  });
});

describe('Azure Resource Manager: track asynchronous operations', () => {
  test('Azure-AsyncOperation: InProgress until done, the resource Updating meanwhile', async () => {
    const azure = await start({ armLatencyMs: 2000 });
    const { status, headers, body } = await azure.patch(vmssId, userAssigned(b));
    expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 200, retryAfter: '2' });
    expect(body).toMatchObject({ properties: { provisioningState: 'Updating' } });
    const url = headers['azure-asyncoperation'] ?? '';
    expect(url).toMatch(
      /^http:\/\/arm\.test\/subscriptions\/sub\/providers\/Microsoft\.Compute\/locations\/westeurope\/operations\//,
    );
    expect((await azure.askArm(url)).body).toMatchObject({ status: 'InProgress' });
    azure.advance(2000);
    expect((await azure.askArm(url)).body).toMatchObject({
      status: 'Succeeded',
      endTime: '2026-01-01T00:00:02.000Z',
    });
    expect(azure.world.host(vmssId).provisioningState).toBe('Succeeded');
  });

  test('Location: 202 until the resource itself', async () => {
    const azure = await start({ longRunning: 'location' });
    const { status, headers } = await azure.patch(vmssId, userAssigned(b));
    expect(status).toBe(202);
    expect((await azure.askArm(headers['location'] ?? '')).status).toBe(202);
    azure.advance(50);
    expect(await azure.askArm(headers['location'] ?? '')).toMatchObject({
      status: 200,
      body: { id: vmssId },
    });
  });

  test('a failed operation has an error, and the identities never reach the machines', async () => {
    const azure = await start();
    const hold = azure.operations.hold();
    const { headers } = await azure.patch(vmssId, userAssigned(b));
    azure.advance(60_000);
    expect((await azure.askArm(headers['azure-asyncoperation'] ?? '')).body).toMatchObject({
      status: 'InProgress',
    });
    hold.release({ code: 'InternalExecutionError', message: 'An internal execution error occurred.' });
    expect((await azure.askArm(headers['azure-asyncoperation'] ?? '')).body).toMatchObject({
      status: 'Failed',
      error: { code: 'InternalExecutionError' },
    });
    expect(azure.world.host(vmssId).provisioningState).toBe('Failed');
    expect(
      (await azure.askImds('pool_0', '?api-version=2018-02-01&resource=r&client_id=client-b')).status,
    ).toBe(400);
  });

  test('an unknown operation → 404', async () => {
    const azure = await start();
    const path =
      '/subscriptions/sub/providers/Microsoft.Compute/locations/westeurope/operations/x?api-version=2024-07-01';
    expect((await azure.askArm(path)).status).toBe(404);
  });
});

describe('Azure Compute: concurrent updates', () => {
  test('a second update of the same host → 409, of another host not', async () => {
    const azure = await start();
    await azure.patch(vmssId, userAssigned(b));
    expect(await azure.patch(vmssId, userAssigned(c))).toMatchObject({
      status: 409,
      body: error('AnotherOperationInProgress'),
    });
    expect((await azure.patch(vmId, userAssigned(c))).status).toBe(200);
    azure.advance(50);
    expect((await azure.patch(vmssId, userAssigned(c))).status).toBe(200);
  });

  test('an update by somebody else (an upgrade) → 409 as well', async () => {
    const azure = await start();
    azure.world.setProvisioningState(vmssId, 'Updating');
    expect((await azure.patch(vmssId, userAssigned(b))).status).toBe(409);
  });

  test('preempting: the older operation fails with OperationPreempted, and both changes are applied in the end', async () => {
    const azure = await start({ concurrentUpdates: 'preempt' });
    const older = await azure.patch(vmssId, userAssigned(b));
    const newer = await azure.patch(vmssId, userAssigned(c));
    expect((await azure.askArm(older.headers['azure-asyncoperation'] ?? '')).body).toMatchObject({
      status: 'Failed',
      error: { code: 'OperationPreempted' },
    });
    azure.advance(50);
    expect((await azure.askArm(newer.headers['azure-asyncoperation'] ?? '')).body).toMatchObject({
      status: 'Succeeded',
    });
    expect(azure.world.attachedTo(vmssId)).toHaveLength(3);
    expect(
      (await azure.askImds('pool_0', '?api-version=2018-02-01&resource=r&client_id=client-b')).status,
    ).toBe(200);
  });

  test('a host marked for deletion → 409 OperationNotAllowed, and stays so after a running update', async () => {
    const azure = await start();
    await azure.patch(vmssId, userAssigned(b));
    azure.world.setProvisioningState(vmssId, 'Deleting');
    azure.advance(50);
    expect(await azure.patch(vmssId, userAssigned(c))).toMatchObject({
      status: 409,
      body: error('OperationNotAllowed'),
    });
  });

  test('RFC 9110, If-Match: a stale etag → 412', async () => {
    const azure = await start();
    const { headers } = await azure.askArm(`${vmssId}?api-version=2024-07-01`);
    azure.world.attach(vmssId, b);
    const stale = { headers: { 'if-match': headers['etag'] ?? '' } };
    expect((await azure.patch(vmssId, userAssigned(c), stale)).status).toBe(412);
    expect((await azure.patch(vmssId, userAssigned(c), { headers: { 'if-match': '*' } })).status).toBe(200);
  });
});

describe('Microsoft Learn: troubleshooting API throttling errors, Compute', () => {
  test('12 updates of one resource at once, then 4 each minute, counted for each resource', async () => {
    const azure = await start({ throttle: true });
    const update = async (hostId: string) => {
      const reply = await azure.patch(hostId, userAssigned(b));
      azure.advance(50);
      return reply;
    };
    const replies = [];
    for (let sent = 0; sent < 13; sent += 1) replies.push(await update(vmId));
    expect(replies.map(({ status }) => status)).toEqual([...Array.from({ length: 12 }, () => 200), 429]);
    expect(replies[0]?.headers['x-ms-ratelimit-remaining-resource']).toContain(
      'Microsoft.Compute/UpdateVMResource;11',
    );
    expect(replies[12]).toMatchObject({
      headers: { 'retry-after': '15' },
      body: {
        error: {
          code: 'OperationNotAllowed',
          details: [{ code: 'TooManyRequests', target: 'UpdateVMResource' }],
        },
      },
    });
    expect((await update(vmssId)).status).toBe(200);
    azure.advance(15_000);
    expect((await update(vmId)).status).toBe(200);
    expect((await update(vmId)).status).toBe(429);
  });

  test('36 reads of one virtual machine, 45 of an operation', async () => {
    const azure = await start({ throttle: true });
    const { headers } = await azure.patch(vmId, userAssigned(b));
    const statuses = async (url: string, count: number) => {
      const replies = await Promise.all(Array.from({ length: count }, () => azure.askArm(url)));
      return replies.filter(({ status }) => status === 200).length;
    };
    expect(await statuses(`${vmId}?api-version=2024-07-01`, 40)).toBe(36);
    expect(await statuses(headers['azure-asyncoperation'] ?? '', 50)).toBe(45);
  });
});

describe('Azure role-based access control', () => {
  const enforced = () => start({ enforceRoles: true });

  test('a caller without a role → 403 AuthorizationFailed naming action and scope', async () => {
    const azure = await enforced();
    const reply = await azure.patch(vmssId, userAssigned(b));
    expect(reply).toMatchObject({
      status: 403,
      body: error('AuthorizationFailed', containing("'Microsoft.Compute/virtualMachineScaleSets/write'")),
    });
    expect((await azure.askArm(`${vmssId}?api-version=2024-07-01`)).status).toBe(403);
  });

  test('Managed Identity Operator is missing → 403 LinkedAuthorizationFailed naming every identity, separated by commas', async () => {
    const azure = await enforced();
    azure.world.grant(callerId, 'Virtual Machine Contributor', group);
    azure.world.grant(callerId, 'Managed Identity Operator', c);
    const reply = await azure.patch(vmssId, userAssigned(a, b, c));
    expect(reply).toMatchObject({
      status: 403,
      body: error('LinkedAuthorizationFailed', containing(`on the linked scope(s) '${a},${b}'`)),
    });
    azure.world.grant(callerId, 'Managed Identity Operator', '/subscriptions/sub');
    expect((await azure.patch(vmssId, userAssigned(a, b, c))).status).toBe(200);
  });

  test('removing an identity needs no right on it', async () => {
    const azure = await enforced();
    azure.world.grant(callerId, 'Virtual Machine Contributor', vmssId);
    expect((await azure.patch(vmssId, { type: 'None' })).status).toBe(200);
  });

  test.each<
    [
      role: 'Reader' | 'Contributor' | 'Managed Identity Operator',
      identity: number,
      read: number,
      write: number,
    ]
  >([
    ['Reader', 200, 200, 403],
    ['Contributor', 200, 200, 200],
    ['Managed Identity Operator', 200, 403, 403],
  ])('built-in roles: %s', async (...[role, identity, read, write]) => {
    const azure = await enforced();
    azure.world.grant(callerId, role, group);
    expect((await azure.askArm(`${a}?api-version=2023-01-31`)).status).toBe(identity);
    expect((await azure.askArm(`${vmssId}?api-version=2024-07-01`)).status).toBe(read);
    expect((await azure.patch(vmssId, { type: 'None' })).status).toBe(write);
    azure.world.revoke(callerId, role, group);
    expect((await azure.askArm(`${a}?api-version=2023-01-31`)).status).toBe(403);
  });

  const assignments = (scope: string, filter: string) =>
    `${scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=${encodeURIComponent(filter)}`;

  test.each<[filter: string, found: string[]]>([
    ['', [callerId, 'other', 'below']],
    [`assignedTo('${callerId}')`, [callerId]],
    ["principalId eq 'other'", ['other']],
    ['atScope()', [callerId, 'other']],
    ["atScope() and assignedTo('below')", []],
  ])('role assignments, list for scope: $filter=%s', async (filter, found) => {
    const azure = await start();
    azure.world.grant(callerId, 'Managed Identity Operator', '/subscriptions/sub');
    azure.world.grant('other', 'Reader', group);
    azure.world.grant('below', 'Reader', a);
    azure.world.grant('elsewhere', 'Reader', '/subscriptions/other');
    const { body } = await azure.askArm(assignments(group, filter));
    const value = body['value'] as { properties: { principalId: string } }[];
    expect(value.map(({ properties }) => properties.principalId)).toEqual(found);
  });

  test('role assignments name the built-in definition', async () => {
    const azure = await start();
    azure.world.grant(callerId, 'Managed Identity Operator', a);
    const { body } = await azure.askArm(assignments(a, `assignedTo('${callerId}')`));
    const roleDefinitionId = containing('/roleDefinitions/f1a07417-d97a-45cb-824c-7a7467783830');
    expect(body).toMatchObject({ value: [{ properties: { roleDefinitionId, scope: a } }] });
  });

  test.each(['GET', 'POST'])('permissions, list for scope (%s): the caller’s permissions', async (method) => {
    const azure = await start();
    azure.world.grant(callerId, 'Managed Identity Operator', a);
    const { body } = await azure.askArm(
      `${a}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`,
      { method },
    );
    const actions = expect.arrayContaining([
      'Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action',
    ]) as unknown;
    expect(body).toMatchObject({ value: [{ actions, notActions: [] }] });
  });
});

describe('Azure Resource Manager: management locks', () => {
  test.each([group, vmssId])(
    'ReadOnly on %s → 409 ScopeLocked naming it, until it is removed',
    async (scope) => {
      const azure = await start();
      const { id } = azure.world.lock(scope, 'ReadOnly');
      expect(await azure.patch(vmssId, userAssigned(b))).toMatchObject({
        status: 409,
        body: error('ScopeLocked', containing(`following scope(s) are locked: '${scope}'`)),
      });
      expect((await azure.askArm(`${vmssId}?api-version=2024-07-01`)).status).toBe(200);
      azure.world.unlock(id);
      expect((await azure.patch(vmssId, userAssigned(b))).status).toBe(200);
    },
  );

  test('CanNotDelete, and a lock elsewhere, forbid no change', async () => {
    const azure = await start();
    azure.world.lock(group, 'CanNotDelete');
    azure.world.lock(vmId, 'ReadOnly');
    expect((await azure.patch(vmssId, userAssigned(b))).status).toBe(200);
  });
});
