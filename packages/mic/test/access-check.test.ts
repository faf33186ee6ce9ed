// Rights on Azure identities as the kubectl plug-in prints them, against the simulated API server.
import { rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { connectKube, createAccessReviewer } from '@pod-identity/kit/kube';
import { kubeClient, startSim, type Sim } from '@pod-identity/sim';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { reviewTarget } from '../src/commands/review-rights.ts';
import { checkLines } from '../src/tell/access-check.ts';
import { identityId } from './stage.ts';

let sim: Sim;
let folder: string;
beforeEach(async () => {
  sim = await startSim({});
  folder = await mkdtemp(join(tmpdir(), 'mic-access-'));
  await writeFile(join(folder, 'kubeconfig'), sim.kube.kubeconfig());
});
afterEach(async () => {
  await sim.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the plug-in prints of one right. */
async function check(account: string, target: AccessTarget) {
  const [namespace = '', name = ''] = account.split('/');
  const subject = { namespace, name };
  const transport = await connectKube({ kubeconfig: join(folder, 'kubeconfig'), userAgent: 'test' });
  const { signal } = new AbortController();
  const reviewing = { reviewer: createAccessReviewer(transport), signal };
  const review = await reviewTarget({ subject, target }, reviewing).finally(() => transport.close());
  return { kind: review.kind, text: checkLines(subject, target, review).join('\n') };
}

const apply = async (objects: readonly { readonly kind: string }[]) => {
  for (const object of objects)
    await kubeClient(sim.kube.url).request(
      'POST',
      `/apis/rbac.authorization.k8s.io/v1/${object.kind.toLowerCase()}s`,
      object,
    );
};

const identityTarget = (name: string): AccessTarget => {
  const id = identityId(name).toLowerCase();
  return {
    resource: 'managedidentities',
    names: [id, id.split('/providers')[0]!, '/subscriptions/00000000-0000-0000-0000-00000000000a'],
  };
};
const reader = identityTarget('pay-reader');

describe('a right', () => {
  it('is not known when the API server does not answer reviews', async () => {
    sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 503 } });
    expect(await check('pay/web', reader)).toMatchObject({
      kind: 'unanswered',
      text: expect.stringContaining('is not known') as string,
    });
  });

  it('that is missing is told with the role, and after it was applied, is there', async () => {
    const before = await check('pay/web', reader);
    expect([before.kind, before.text.includes('✗ ServiceAccount pay/web may not use')]).toEqual([
      'refused',
      true,
    ]);
    const yaml = before.text.slice(before.text.indexOf('apiVersion:'));
    const objects = parseAllDocuments(yaml).map((document) => document.toJS() as { kind: string });
    await apply(objects);
    expect(await check('pay/web', reader)).toEqual({
      kind: 'allowed',
      text: `✓ ServiceAccount pay/web may use managedidentities ${reader.names[0]}\n  by a right on this identity: ${reader.names[0]}`,
    });
  });

  it('on a wider level is told with the level', async () => {
    const wide: AccessTarget = { ...reader, names: [reader.names[1]!] };
    await apply(rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets: [wide] }).objects);
    expect((await check('pay/web', reader)).text).toContain('by a right on its resource group:');
  });
});
