// MIC as a program, or right below: where it goes with its questions, and what it says when it may not do its work.
import dns from 'node:dns';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Host, ResourceId } from '@pod-identity/crd-types';
import { startSim, type ManagedIdentity, type Sim } from '@pod-identity/sim';
import { connectAzure } from '../../src/azure/connect.ts';
import { createJumpingClock, createTestLog } from '../azure-harness.ts';
import { identityId, scaleSetId, subscription } from '../stage.ts';

let sim: Sim;
let folder: string;
let mine: ManagedIdentity;
const machine = 'mic-machine';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mic-clouds-'));
  sim = await startSim({ azure: { enforceRoles: true } });
  mine = sim.azure.world.addIdentity({ resourceId: identityId('mic') });
  const id = scaleSetId(machine).replace('virtualMachineScaleSets', 'virtualMachines');
  sim.azure.world.addVirtualMachine({ id, identities: [mine.resourceId] });
  await sim.azure.ready();
});
afterAll(async () => {
  await sim.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => vi.restoreAllMocks());

async function config(settings: object): Promise<string> {
  const path = join(folder, `${crypto.randomUUID()}.json`);
  await writeFile(
    path,
    JSON.stringify({ tenantId: mine.tenantId, subscriptionId: subscription, ...settings }),
  );
  return path;
}

describe('item 26 the cloud decides where MIC asks', () => {
  const host: Host = { kind: 'vmss', id: scaleSetId('vmss1').toLowerCase() as ResourceId };

  /** Reads a host; answers the names that were looked up: nothing leaves this machine. */
  async function lookedUp(settings: object): Promise<readonly string[]> {
    const names: string[] = [];
    const lookup = (...args: readonly unknown[]) => {
      names.push(String(args[0]));
      const answer = args.at(-1) as (error: Error) => void;
      process.nextTick(answer, Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
    };
    vi.spyOn(dns, 'lookup').mockImplementation(lookup);
    const azure = await connectAzure({
      cloudConfigPath: await config(settings),
      env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl(machine) },
      clock: createJumpingClock(),
      random: () => 0.5,
      userAgent: 'test',
      log: createTestLog(),
    });
    const outcome = await azure.hosts.read(host, new AbortController().signal);
    azure.close();
    expect(outcome.kind).toBe('unavailable');
    return [...new Set(names)];
  }

  test.each([
    ['AzurePublicCloud', 'management.azure.com', 'login.microsoftonline.com'],
    // The name by which MSAL knows login.chinacloudapi.cn.
    ['AzureChinaCloud', 'management.chinacloudapi.cn', 'login.partner.microsoftonline.cn'],
    ['AzureUSGovernment', 'management.usgovcloudapi.net', 'login.microsoftonline.us'],
    ['AzureUSGovernmentCloud', 'management.usgovcloudapi.net', 'login.microsoftonline.us'],
    ['AzureStackCloud', 'management.stack.example', 'login.stack.example'],
  ])('%s: ARM at %s, tokens from %s', async (cloud, arm, authority) => {
    const custom = cloud === 'AzureStackCloud' && {
      resourceManagerEndpoint: `https://${arm}/`,
      activeDirectoryEndpoint: `https://${authority}/`,
    };
    const mark = sim.azure.journal.mark();
    const managed = { useManagedIdentityExtension: true, userAssignedIdentityID: mine.clientId };
    expect(await lookedUp({ cloud, ...custom, ...managed })).toEqual([arm]);
    const [asked] = sim.azure.journal.entries({ service: 'imds', since: mark });
    expect(new URLSearchParams(asked?.query).get('resource')).toBe(`https://${arm}/`);

    const application = { aadClientId: mine.clientId, aadClientSecret: 'not-a-real-one' };
    expect(await lookedUp({ cloud, ...custom, ...application })).toContain(authority);
    expect(await lookedUp({ cloud, ...custom, ...application })).not.toContain(arm);
  });
});
