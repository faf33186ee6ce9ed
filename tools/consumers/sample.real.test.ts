// A copy of keyvault-sample outside the repository installs, compiles, builds and reads a secret, on Node.js 20 and on that of the tests.
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findNode20, whyNoNode20 } from '@pod-identity/kit/testing';
import { startSim, type Sim } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../stage/cleanup.ts';
import { startService } from '../stage/service.ts';
import { buildSteps, copySample, imageOf, runStep } from './copy.ts';
import { whyNoRegistry } from './registry.ts';

const noRegistry = await whyNoRegistry();
if (noRegistry !== undefined) console.warn(`skipped the copy of keyvault-sample: ${noRegistry}`);

const node20 = findNode20();
const missing = whyNoNode20(node20);
if (missing !== undefined) console.warn(`skipped the copy of keyvault-sample on Node.js 20: ${missing}`);
const nodes = [...(node20 === undefined ? [] : [node20]), process.execPath];

const group = '/subscriptions/s/resourceGroups/g/providers';
const reader = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/reader`;

describe.skipIf(noRegistry !== undefined)('a copy of keyvault-sample', () => {
  const cleanup = createCleanup();
  let folder: string;
  let sim: Sim;

  beforeAll(async () => {
    folder = await cleanup.start(copySample, (made) => rm(made, { recursive: true }));
    sim = await cleanup.start(
      () =>
        startSim({
          azure: {
            seed(world) {
              const { principalId } = world.addIdentity({ resourceId: reader });
              world.addVirtualMachine({
                id: `${group}/Microsoft.Compute/virtualMachines/machine`,
                identities: [reader],
              });
              world.addVault({ name: 'vault', secrets: { database: 'hidden value' } });
              world.allowRead('vault', principalId);
            },
          },
        }),
      (started) => started.stop(),
    );
  });
  afterAll(() => cleanup.run());

  test('installs', async () => {
    const [install = 'false'] = await buildSteps(folder);
    expect(install).toMatch(/^npm ci /);
    await runStep(folder, install, nodes[0] ?? process.execPath);
  });

  test.each(nodes)('compiles, builds and reads with %s', async (node) => {
    const [, ...steps] = await buildSteps(folder);
    expect(steps).not.toEqual([]);
    for (const step of steps) await runStep(folder, step, node);
    await runStep(folder, 'npm run typecheck', node);
    // As the Containerfile does it: what is not taken is not there.
    const { taken, entry } = await imageOf(folder);
    const image = join(folder, 'image');
    await rm(image, { recursive: true, force: true });
    await mkdir(image);
    for (const path of taken) await cp(join(folder, path), join(image, path), { recursive: true });
    const [program, file = ''] = entry;
    expect(program).toBe('node');
    for (const credential of ['default', 'imds']) {
      const sample = startService({
        name: `the copy with CREDENTIAL=${credential}`,
        executable: node,
        entry: file.replace(/^\/app/, image),
        env: {
          CREDENTIAL: credential,
          AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl('machine'),
          NODE_EXTRA_CA_CERTS: sim.azure.caFile,
          KEYVAULT_URL: sim.azure.vaultUrl('vault'),
          KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
          SECRET_NAMES: 'database',
          READS: '1',
        },
      });
      cleanup.add(() => sample.stop());
      await sample.line((line) => line.startsWith('read secret database, version '));
      await sample.ended;
      expect({ code: sample.exitCode, lines: sample.lines.length }).toEqual({ code: 0, lines: 2 });
    }
  });
});
