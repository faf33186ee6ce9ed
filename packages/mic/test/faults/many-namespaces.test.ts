// Teams that use the same selector: what is said to one of them is about its own objects, and grows with it alone.
import { afterEach, expect, test } from 'vitest';
import type { KubeObject } from '@pod-identity/sim';
import { identityId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
afterEach(() => scene[Symbol.asyncDispose]());

const teams = Array.from({ length: 12 }, (_, index) => `team-${String.fromCharCode(97 + index)}`);
const podsPerTeam = 4;
/** Has pods with the label, and no binding. */
const bare = 'team-bare';
/** Its binding names an identity that is not there, or one that cannot be read. */
const broken = ['team-missing', 'team-invalid'];

const podOf = (namespace: string, number: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-of-${namespace}-${number}`, namespace, labels: { aadpodidbinding: 'app' } },
  spec: { nodeName: 'vmss1-0' },
  status: { phase: 'Running' },
});

async function enter(namespaces: readonly string[]) {
  scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }], azure: { armLatencyMs: 500 } });
  for (const name of namespaces)
    await scene.town.client.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
}

async function bindTeam(namespace: string, annotations: Record<string, string>) {
  const name = `identity-of-${namespace}`;
  const resourceId = identityId(name);
  scene.sim.azure.world.addIdentity({ resourceId });
  await scene.town.identity({ name, namespace, resourceId, annotations });
  await scene.town.binding({ name: `binding-of-${namespace}`, namespace, identity: name, selector: 'app' });
}

const seedPods = (namespaces: readonly string[]) =>
  scene.sim.kube.seed(
    namespaces.flatMap((namespace) =>
      Array.from({ length: podsPerTeam }, (_, number) => podOf(namespace, number)),
    ),
  );

/** Names of other teams' objects, in Events of a namespace. */
function strangers(): string[] {
  return scene.sim.kube.list('events').flatMap((event) => {
    const { namespace = '' } = event.metadata;
    const names = String(event['message']).match(/(?:pod|identity|binding)-of-team-[a-z]+/g) ?? [];
    return names.filter((name) => !name.endsWith(`-of-${namespace}`)).map((name) => `${namespace}: ${name}`);
  });
}
const warnings = (namespace?: string) =>
  scene.sim.kube
    .list('events')
    .filter(
      ({ metadata, ...event }) =>
        event['type'] === 'Warning' && (namespace ?? metadata.namespace) === metadata.namespace,
    );

test('12 namespaces with one selector and 48 pods that are well: no warning, no word of another team, and the log grows with the pods', async () => {
  const lines = async (count: number) => {
    await enter(teams);
    for (const team of teams.slice(0, count))
      await bindTeam(team, { 'aadpodidentity.k8s.io/Behavior': 'namespaced' });
    seedPods(teams.slice(0, count));
    const mic = await scene.startMic();
    await scene.until(() => scene.isAllAssigned(count * podsPerTeam));
    await scene.pass(10_000);
    return mic.lines.length;
  };
  const ofThree = await lines(3);
  await scene[Symbol.asyncDispose]();
  const ofAll = await lines(12);
  expect(scene.events('IdentityNotBound')).toEqual([]);
  expect(warnings()).toEqual([]);
  expect(strangers()).toEqual([]);
  expect(ofAll).toBeLessThanOrEqual(4 * ofThree);
});

test.each([
  ['namespaced identities', { 'aadpodidentity.k8s.io/Behavior': 'namespaced' }],
  ['identities that are not there, or cannot be read', undefined],
])(
  'a pod without a binding of its own beside %s of other teams has one Event, which names none of them',
  async (_, annotations) => {
    await enter([...teams.slice(0, 2), ...broken, bare]);
    if (annotations) for (const team of teams.slice(0, 2)) await bindTeam(team, annotations);
    await scene.town.binding({
      name: 'binding-of-team-missing',
      namespace: 'team-missing',
      identity: 'identity-of-team-missing',
      selector: 'app',
    });
    scene.sim.kube.seed([
      {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentity',
        metadata: { name: 'identity-of-team-invalid', namespace: 'team-invalid' },
        spec: { type: 0, resourceID: 'nonsense', clientID: '' },
      },
    ]);
    await scene.town.binding({
      name: 'binding-of-team-invalid',
      namespace: 'team-invalid',
      identity: 'identity-of-team-invalid',
      selector: 'app',
    });
    seedPods([bare]);
    const mic = await scene.startMic();
    await scene.until(() => warnings(bare).length >= podsPerTeam);
    await scene.pass(10_000);
    const told = warnings(bare).map((event) => (event['involvedObject'] as { name: string }).name);
    expect(told.toSorted()).toEqual(
      Array.from({ length: podsPerTeam }, (_, number) => `pod-of-${bare}-${number}`),
    );
    expect(strangers()).toEqual([]);
    const aboutBare = mic.lines.filter((line) => line.includes(`pod-of-${bare}`));
    expect(aboutBare.filter((line) => /-of-team-(?!bare)/.test(line))).toEqual([]);
  },
);
