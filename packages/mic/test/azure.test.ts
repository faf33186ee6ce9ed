import { ComputeManagementClient } from '@azure/arm-compute';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Host, ResourceId } from '@pod-identity/crd-types';
import { identityPatch, readHostState, stepsToChange } from '../src/azure/hosts/identity-patch.ts';
import { canonical, identityId, startTestAzure, subscription, type TestAzure } from './azure-harness.ts';

let t: TestAzure;
beforeAll(async () => {
  t = await startTestAzure();
});
afterEach(() => {
  t.sim.azure.faults.clear();
});
afterAll(() => t[Symbol.asyncDispose]());

const world = () => t.sim.azure.world;
const attached = (host: Host) => world().attachedTo(host.id);
const kinds = ['vm', 'vmss'] as const;
let hosts = 0;
const newHost = (kind: 'vm' | 'vmss' = 'vmss', spec: Parameters<TestAzure['addHost']>[2] = {}) =>
  t.addHost(kind, `host${(hosts += 1)}`, spec);
let names = 0;
const newIdentities = (count: number) =>
  t.addIdentities(...Array.from({ length: count }, () => `id${(names += 1)}`));

describe.each(kinds)('a %s', (kind) => {
  it('gets the identities in one PATCH, recorded before and confirmed by ARM after', async () => {
    const host = newHost(kind);
    const ids = newIdentities(3);
    const written: (readonly ResourceId[])[] = [];
    const before = t.calls.length;
    const outcome = await t.update(
      host,
      { attach: ids },
      { beforePatch: (attaching) => Promise.resolve(void written.push(attaching)) },
    );
    expect(outcome).toMatchObject({ rejected: [], patches: 1 });
    expect(outcome.refusal).toBeUndefined();
    expect(outcome.present?.get(ids[0]!)?.clientId).toBe(world().identity(ids[0]!).clientId);
    expect(attached(host)).toEqual([...ids].sort());
    expect(written).toEqual([ids]);
    const made = t.calls.slice(before).map(({ operation, result }) => `${operation} ${result}`);
    expect(made).toEqual([`${kind}_get ok`, 'operation_get ok', `${kind}_update ok`, `${kind}_get ok`]);
  });

  it('C24 accumulates additions, keeps others at a removal, ends as None', async () => {
    const host = newHost(kind);
    const [a, b, c] = newIdentities(3) as [ResourceId, ResourceId, ResourceId];
    await t.update(host, { attach: [a] });
    await t.update(host, { attach: [b] });
    expect(attached(host)).toEqual([a, b].sort());
    await t.update(host, { attach: [c], detach: [a] });
    expect(attached(host)).toEqual([b, c].sort());
    await t.update(host, { attach: [b.toUpperCase() as ResourceId], detach: [b] });
    expect(attached(host)).toEqual([b, c].sort());
    expect(t.patches(host)).toBe(3);
    await t.update(host, { detach: [b, c] });
    expect(world().host(host.id).identity.type).toBe('None');
  });

  it('E13 W-C1 keeps its system-assigned identity in every transition', async () => {
    const host = newHost(kind, { systemAssigned: true });
    const principal = world().host(host.id).identity.principalId;
    const [a] = newIdentities(1);
    await t.update(host, { detach: [a!] });
    expect(t.patches(host)).toBe(0);
    await t.update(host, { attach: [a!] });
    expect(world().host(host.id).identity.type).toBe('SystemAssigned, UserAssigned');
    await t.update(host, { detach: [a!] });
    expect(world().host(host.id).identity).toMatchObject({ type: 'SystemAssigned', principalId: principal });
  });

  it('user-needs 10.8 renews an identity that was recreated under the same name', async () => {
    const [a] = newIdentities(1);
    const host = newHost(kind, { identities: [a!] });
    const { clientId } = world().recreateIdentity(identityId(a!.split('/').at(-1)!));
    const reading = await t.azure.hosts.read(host, new AbortController().signal);
    expect(reading).toMatchObject({ kind: 'read', present: new Map([[a, {}]]) });
    const outcome = await t.update(host, { renew: [a!] });
    expect(outcome).toMatchObject({ rejected: [], patches: 2 });
    expect(outcome.present?.get(a!)).toMatchObject({ clientId });
  });
});

describe('one bad identity harms only itself', () => {
  it('user-needs 10.3: one of 40 does not exist; 39 are attached in the same call, within the bound', async () => {
    const host = newHost();
    const good = newIdentities(39);
    const bad = canonical('nobody');
    const outcome = await t.update(host, { attach: [...good.slice(0, 20), bad, ...good.slice(20)] });
    expect(attached(host)).toEqual([...good].sort());
    expect(outcome.rejected).toEqual([
      { id: bad, code: 'FailedIdentityOperation', message: expect.stringContaining('nobody') as string },
    ]);
    expect(outcome.refusal).toBeUndefined();
    expect(outcome.patches).toBeLessThanOrEqual(Math.floor(2 + 2 * Math.log2(40)));
    expect(t.patches(host)).toBe(outcome.patches);
  });

  it('C48 a bad id does not stop the removal of another', async () => {
    const [a] = newIdentities(1);
    const host = newHost('vmss', { identities: [a!] });
    const outcome = await t.update(host, { attach: [canonical('nobody')], detach: [a!] });
    expect(outcome.rejected).toHaveLength(1);
    expect(attached(host)).toEqual([]);
  });
});

describe('a host that is not to be touched', () => {
  it('Deleting counts as gone, like a missing one', async () => {
    const host = newHost();
    const [a] = newIdentities(1);
    world().setProvisioningState(host.id, 'Deleting');
    expect((await t.update(host, { attach: [a!] })).refusal?.kind).toBe('gone');
    const nowhere: Host = {
      kind: 'vm',
      id: host.id.replace(/virtual.*$/, 'virtualmachines/nowhere') as ResourceId,
    };
    expect((await t.update(nowhere, { attach: [a!] })).refusal?.kind).toBe('gone');
    expect((await t.azure.hosts.read(nowhere, new AbortController().signal)).kind).toBe('gone');
  });

  it('a PATCH that would empty the list is not sent over an identity attached since (If-Match)', async () => {
    const [ours, foreign] = newIdentities(2);
    const host = newHost('vm', { identities: [ours!] });
    const outcome = await t.update(
      host,
      { detach: [ours!] },
      {
        beforePatch: () => {
          world().attach(host.id, foreign!);
          return Promise.resolve();
        },
      },
    );
    expect(outcome.refusal).toMatchObject({ kind: 'busy', retryAfterMs: 0 });
    expect(attached(host)).toEqual([ours, foreign].sort());
    await t.update(host, { detach: [ours!] });
    expect(attached(host)).toEqual([foreign]);
  });
});

describe('ARM that fails', () => {
  it('user-needs 10.4: 429 ends the update, with its Retry-After; one of the subscription says so', async () => {
    const [host, other] = [newHost(), newHost()];
    const ids = newIdentities(1);
    t.sim.azure.faults.add({
      match: { service: 'arm', method: 'PATCH' },
      times: 1,
      then: { status: 429, headers: { 'retry-after': '60' } },
    });
    const outcome = await t.update(host, { attach: ids });
    expect(outcome.refusal).toMatchObject({ kind: 'throttled', retryAfterMs: 60_000, scope: 'host' });
    expect(t.gets(host) + t.patches(host)).toBe(2);
    const headers = { 'retry-after': '30', 'x-ms-ratelimit-remaining-subscription-writes': '0' };
    t.sim.azure.faults.add({
      match: { service: 'arm', method: 'PATCH' },
      times: 1,
      then: { status: 429, headers },
    });
    const held = { kind: 'throttled', retryAfterMs: 30_000, scope: 'subscription' };
    expect((await t.update(other, { attach: ids })).refusal).toMatchObject(held);
  });

  it('never sends more PATCHes than the bucket holds, and continues when it has refilled', async () => {
    const host = newHost();
    const bad = Array.from({ length: 12 }, (_, index) => canonical(`nobody${index}`));
    const [good] = newIdentities(1);
    const first = await t.update(host, { attach: [...bad, good!] });
    expect(first).toMatchObject({
      refusal: { kind: 'throttled', retryAfterMs: 20_000, scope: 'host' },
      patches: 8,
    });
    expect(first.rejected).toHaveLength(8);
    t.clock.jump(160_000);
    const rest = [...bad.filter((id) => !first.rejected.some((rejection) => rejection.id === id)), good!];
    const second = await t.update(host, { attach: rest });
    expect(second.refusal).toBeUndefined();
    expect(attached(host)).toEqual([good]);
  });

  it('an operation that fails because of an identity isolates it', async () => {
    const host = newHost();
    const [a, b] = newIdentities(2);
    const failed = {
      status: 'Failed',
      error: { code: 'FailedIdentityOperation', message: `'${a!}' was not found` },
    };
    t.sim.azure.faults.add({
      match: { service: 'arm', path: /operations/ },
      times: 1,
      then: { status: 200, body: failed },
    });
    const outcome = await t.update(host, { attach: [a!, b!] });
    // The simulator had applied it nevertheless: the state of the host counts.
    expect(outcome.present?.has(b!)).toBe(true);
    expect(outcome.refusal).toBeUndefined();
  });

  it('5xx for minutes: a few short retries, then unavailable with the pause that ARM demands', async () => {
    const host = newHost();
    const ids = newIdentities(1);
    const reads = t.sim.azure.faults.add({ match: { service: 'arm', method: 'GET' }, then: { status: 503 } });
    const startedAt = t.clock.now();
    expect((await t.update(host, { attach: ids })).refusal).toMatchObject({
      kind: 'unavailable',
      retryAfterMs: 5000,
    });
    expect(reads.fired).toBe(3);
    expect(t.clock.now() - startedAt).toBeLessThan(3000);
    reads.remove();
    const writes = t.sim.azure.faults.add({
      match: { service: 'arm', method: 'PATCH' },
      then: { status: 500, headers: { 'retry-after': '17' } },
    });
    expect(await t.update(host, { attach: ids })).toMatchObject({
      refusal: { kind: 'unavailable', retryAfterMs: 17_000 },
      patches: 2,
    });
    expect(writes.fired).toBe(2);
  });

  it('one 5xx is retried within the call', async () => {
    const host = newHost();
    t.sim.azure.faults.add({
      match: { service: 'arm', method: 'GET' },
      times: 1,
      then: { status: 502, body: '<html>Bad gateway</html>' },
    });
    t.sim.azure.faults.add({
      match: { service: 'arm', path: /operations/ },
      times: 4,
      then: { status: 503 },
    });
    expect((await t.update(host, { attach: newIdentities(1) })).refusal).toBeUndefined();
  });
});

describe('the fence', () => {
  it('sends nothing if it cannot be recorded first', async () => {
    const host = newHost();
    const outcome = await t.update(
      host,
      { attach: newIdentities(1) },
      { beforePatch: () => Promise.reject(new Error('conflict')) },
    );
    expect(outcome).toMatchObject({ refusal: { kind: 'unavailable' }, patches: 0 });
    expect(t.patches(host)).toBe(0);
  });

  it('sends no PATCH if the lease has expired since it was recorded, before any notification', async () => {
    const host = newHost();
    let leads = true;
    const outcome = await t.update(
      host,
      { attach: newIdentities(1) },
      {
        mayBeSent: () => leads,
        beforePatch: () => {
          leads = false;
          return Promise.resolve();
        },
      },
    );
    expect(outcome).toMatchObject({ refusal: { kind: 'aborted' } });
    expect(t.patches(host)).toBe(0);
  });

  it('sends nothing more after an abort, also during an operation', async () => {
    const host = newHost();
    const term = new AbortController();
    const hold = t.sim.azure.holdOperations();
    const polled = t.sim.azure.journal.next({
      service: 'arm',
      path: /operations/,
      since: t.sim.azure.journal.mark(),
    });
    void polled.then(() => term.abort());
    const outcome = await t.update(host, { attach: newIdentities(1) }, { signal: term.signal });
    const asked = t.sim.azure.journal.count({ service: 'arm' });
    expect(outcome).toMatchObject({ refusal: { kind: 'aborted' }, patches: 1 });
    hold.release();
    expect(await t.update(host, { attach: newIdentities(1) }, { signal: term.signal })).toMatchObject({
      refusal: { kind: 'aborted' },
      patches: 0,
    });
    expect(t.sim.azure.journal.count({ service: 'arm' })).toBe(asked);
  });
});

describe('the wire', () => {
  it('C17 uses MIC’s user agent and the cluster’s identity (C27)', async () => {
    const host = newHost();
    await t.azure.hosts.read(host, new AbortController().signal);
    const [entry] = t.sim.azure.journal.entries({ service: 'arm', path: new RegExp(host.id, 'i') });
    expect(entry?.userAgent).toBe('aad-pod-identity/MIC/1.2.3/abc/today');
    expect(entry?.query).toBe('api-version=2019-12-01');
    expect(t.azure.clusterClientId()).toBe(t.mic.clientId);
    expect(await t.azure.principalId(new AbortController().signal)).toBe(t.mic.principalId);
  });

  it('requests one token of IMDS, however many hosts are changed at once', () => {
    expect(t.sim.azure.calls().imds).toBe(1);
  });

  it.each(kinds)('sends for a %s what @azure/arm-compute would send', async (kind) => {
    const before = readHostState({
      identity: {
        type: 'SystemAssigned, UserAssigned',
        userAssignedIdentities: { [canonical('old')]: { clientId: 'c', principalId: 'p' } },
      },
    });
    const change = { attach: [canonical('new1'), canonical('new2')], renew: [], detach: [] };
    const ours = identityPatch(before, stepsToChange(before, change)).body;
    expect(ours).toEqual(await bodyBySdk(kind, ours.identity));
  });
});

/** The request of Azure's own client for the same identity block. */
async function bodyBySdk(kind: 'vm' | 'vmss', identity: object): Promise<unknown> {
  let body: unknown;
  const client = new ComputeManagementClient(
    { getToken: () => Promise.resolve({ token: 't', expiresOnTimestamp: Date.now() + 3_600_000 }) },
    subscription,
    {
      retryOptions: { maxRetries: 0 },
      httpClient: {
        sendRequest(request) {
          body = JSON.parse(typeof request.body === 'string' ? request.body : '');
          return Promise.reject(new Error('caught'));
        },
      },
    },
  );
  const room = kind === 'vm' ? client.virtualMachines : client.virtualMachineScaleSets;
  await expect(room.update('g', 'n', { identity })).rejects.toThrow('caught');
  return body;
}
