// Removes what a run has created, in the order of deploy/README.md, and nothing else. It begins anywhere, so that it also ends
// the removal of an earlier run that was killed.
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { applyObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilNone } from '../../stage/until.ts';
import type { Given } from './given.ts';
import { create, reasonOf, untilRolledOut } from './install.ts';
import {
  everyObject,
  inSystem,
  isMarked,
  namespaceOfTests,
  removalOfRules,
  stepForRemover,
  testNamespaces,
} from './objects.ts';

export interface Removing {
  readonly kube: KubeTransport;
  readonly given: Given;
  readonly say: (line: string) => void;
}

const patienceMs = 120_000;
const never = new AbortController().signal;

/** Returns what people have to do; empty when nothing is left. A step that fails does not keep the others from their work. */
export async function removeAll({ kube, given, say }: Removing): Promise<readonly string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, step: () => Promise<void>): Promise<boolean> => {
    try {
      await step();
      return true;
    } catch (error) {
      problems.push(`${what}: ${reasonOf(error)}`);
      return false;
    }
  };
  // First, because MIC detaches only what no pod needs.
  await attempt('The namespaces of the tests stay', () => removeTests(kube));
  await attempt('Nothing is known of what MIC has attached', async () => {
    problems.push(...(await untilDetached(kube)));
  });
  const isFree = await attempt('NMI’s rules stay on a node', () => removeRules({ kube, given, say }));
  const objects = (await everyObject()).toReversed();
  const isNamespace = ({ kind }: KubeObject) => kind === 'Namespace';
  await attempt('Objects of the installation stay', () =>
    // Without the roles of NMI its pods, which may still be there, would serve nobody.
    remove(kube, isFree ? objects.filter((object) => !isNamespace(object)) : [workload('Deployment', 'mic')]),
  );
  // The DaemonSet in it says that the nodes may have rules.
  if (isFree) await attempt('The namespace stays', () => remove(kube, objects.filter(isNamespace)));
  return problems;
}

async function removeRules({ kube, given, say }: Removing): Promise<void> {
  const nmi = workload('DaemonSet', 'nmi');
  const [agent, existing] = await Promise.all([
    stored(kube, nmi),
    stored(kube, workload('DaemonSet', 'nmi-uninstall')),
  ]);
  // NMI was never started, or what removes its rules has ended.
  if (!agent && !existing) return;
  const remover = await removalOfRules(given, agent);
  const step = stepForRemover(remover, existing);
  // Before NMI goes: from then on this object says that the nodes may have rules. Its pods wait for the end of NMI's.
  if (step === 'create') await createIfNew(kube, remover);
  if (step === 'replace') await applyObject(kube, remover);
  await remove(kube, [nmi]);
  await untilRolledOut(kube, { kind: 'DaemonSet', name: 'nmi-uninstall' });
  say('The rules are gone from all nodes.');
  await remove(kube, [remover]);
}

async function removeTests(kube: KubeTransport): Promise<void> {
  const namespaces = testNamespaces.map(namespaceOfTests);
  for (const namespace of namespaces) {
    if (!(await stored(kube, namespace))) continue;
    // At once: the kubelet of 1.20 takes a minute or more to end a pod that is deleted while it starts.
    const path = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: namespace.metadata.name });
    await kube.request({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
  }
  await remove(kube, namespaces);
}

const workload = (kind: 'DaemonSet' | 'Deployment', name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, ...inSystem },
});

async function createIfNew(kube: KubeTransport, object: KubeObject): Promise<void> {
  try {
    await create({ kube, signal: never }, object);
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'already-exists')) throw error;
  }
}

/** Deletes those that a run has created, and waits until they are gone. */
async function remove(kube: KubeTransport, objects: readonly KubeObject[]): Promise<void> {
  const found = (await Promise.all(objects.map((object) => stored(kube, object)))).filter(
    (object) => object !== undefined,
  );
  for (const object of found) await deleteOne(kube, object);
  for (const object of found)
    await untilNone(kube, {
      path: collectionOf(object),
      withinMs: patienceMs,
      fits: ({ metadata }) => metadata.name === object.metadata.name && metadata.uid === object.metadata.uid,
    });
}

/** The object with its uid, if it is there and a run has created it. */
async function stored(kube: KubeTransport, object: KubeObject): Promise<KubeObject | undefined> {
  const { apiVersion, kind } = object;
  try {
    const path = `${collectionOf(object)}/${object.metadata.name}`;
    const found = (await kube.request({ method: 'GET', path })) as KubeObject;
    return isMarked(found) ? { ...found, apiVersion, kind } : undefined;
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function deleteOne(kube: KubeTransport, object: KubeObject): Promise<void> {
  const { uid } = object.metadata;
  // With its pods, so that what follows finds none of them.
  const body = { propagationPolicy: 'Foreground', preconditions: { uid } };
  try {
    await kube.request({ method: 'DELETE', path: `${collectionOf(object)}/${object.metadata.name}`, body });
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
  }
}

function collectionOf({ apiVersion, kind, metadata }: KubeObject): string {
  return pathOf({ apiVersion, kind, namespace: metadata.namespace ?? 'default' });
}

interface HostRecord extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
const hostOf = ({ metadata }: KubeObject) =>
  (metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations?.[
    'aadpodidentity.k8s.io/host'
  ] ?? metadata.name;

/** Waits until MIC has nothing attached; a sentence for each machine where it still has. */
async function untilDetached(kube: KubeTransport): Promise<readonly string[]> {
  const path = pathOf({ apiVersion: 'v1', kind: 'ConfigMap', ...inSystem });
  const query = { labelSelector: 'aadpodidentity.k8s.io/host-record' };
  const isAttached = (record: KubeObject) =>
    ((record as HostRecord).data?.['record.json'] ?? '').includes('"ours":[{');
  try {
    await untilNone(kube, { path, query, withinMs: patienceMs, fits: isAttached });
    return [];
  } catch {
    const { items } = (await kube.request({ method: 'GET', path, query })) as {
      readonly items: readonly KubeObject[];
    };
    return items
      .filter(isAttached)
      .map((record) => `MIC has not detached the identities from ${hostOf(record)}: detach them yourself.`);
  }
}
