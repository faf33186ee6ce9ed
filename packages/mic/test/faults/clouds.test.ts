// MIC as a program, or right below: where it goes with its questions, and what it says when it may not do its work.
import dns from 'node:dns';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Host, ResourceId } from '@pod-identity/crd-types';
import { cluster, startSim, type ManagedIdentity, type Sim } from '@pod-identity/sim';
import { fromSources } from '../../../../tools/stage/places.ts';
import { connectAzure } from '../../src/azure/connect.ts';
import { createJumpingClock, createTestLog } from '../azure-harness.ts';
import { identityId, own, scaleSetId, subscription } from '../stage.ts';

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

describe('item 25 a MIC that lacks roles', () => {
  test('prints at its start each missing role, its scope and the exact command, and works as far as it may', async () => {
    const town = await cluster(sim, { scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces: [own] });
    await town.identity({ name: 'app' });
    await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
    await town.pod({ name: 'pod1', label: 'app' });
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, sim.kube.kubeconfig());
    const cloudconfig = await config({
      cloud: 'AzurePublicCloud',
      useManagedIdentityExtension: true,
      resourceManagerEndpoint: sim.azure.armUrl,
      activeDirectoryEndpoint: sim.azure.entraUrl,
      userAssignedIdentityID: mine.clientId,
    });
    const group = scaleSetId('vmss1').split('/', 5).join('/').toLowerCase();
    const give = (role: string, scope: string) =>
      `az role assignment create --role "${role}" --assignee-object-id ${mine.principalId} --scope ${scope}`;

    await using mic = startProgram({ kubeconfig, cloudconfig });
    const lines = await mic.until((seen) => seen.filter(({ command }) => command).length === 2);
    expect(lines.filter(({ command }) => command)).toMatchObject([
      {
        level: 'warn',
        role: 'Virtual Machine Contributor',
        scope: group,
        command: give('Virtual Machine Contributor', group),
      },
      {
        level: 'warn',
        role: 'Managed Identity Operator',
        scope: identityId('app').toLowerCase(),
        command: give('Managed Identity Operator', identityId('app').toLowerCase()),
      },
    ]);
    expect(lines.find(({ command }) => command)?.msg).toContain('az role assignment create');
    expect(mic.isRunning).toBe(true);
  });
});

interface Line {
  readonly msg?: string;
  readonly level?: string;
  readonly role?: string;
  readonly scope?: string;
  readonly command?: string;
}

/** The program itself, from its source. */
function startProgram(files: { readonly kubeconfig: string; readonly cloudconfig: string }) {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const flags = { ...files, 'http-probe-port': '0', 'prometheus-port': '0', 'log-format': 'json' };
  const child = spawn(
    process.execPath,
    [...fromSources, main, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    {
      env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl(machine), MIC_POD_NAMESPACE: own },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const seen: Line[] = [];
  const lines = createInterface({ input: child.stdout });
  return {
    get isRunning() {
      return child.exitCode === null;
    },
    async until(isEnough: (lines: readonly Line[]) => boolean): Promise<readonly Line[]> {
      for await (const line of lines) {
        seen.push(JSON.parse(line) as Line);
        if (isEnough(seen)) return seen;
      }
      throw new Error(`the program ended: ${errors}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
