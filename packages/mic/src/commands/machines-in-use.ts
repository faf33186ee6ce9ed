// Which pods exceptions allow the identities of their machine, for the kubectl plug-in.
import {
  hasAccount,
  machineTarget,
  parseAzurePodIdentityException,
  resources,
  problemTexts,
  type AzurePodIdentityException,
  type Host,
} from '@pod-identity/crd-types';
import { coreKinds, createResource, KubeError } from '@pod-identity/kit/kube';
import type { Using } from '../tell/access-uses.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf } from '../snapshot/keys.ts';
import { isFinished, memberOf, stringAt } from '../snapshot/raw-object.ts';
import type { Looking } from './look.ts';

type ReadingExceptions = Pick<Looking, 'transport' | 'signal'>;

interface Machines {
  readonly using: readonly Using[];
  readonly unknown: readonly string[];
}

/** The uses of pods that exceptions allow the identities of their machine. */
export async function machinesInUse(looking: ReadingExceptions, index: ClusterIndex): Promise<Machines> {
  const exceptions = await listExceptions(looking);
  if (exceptions === undefined)
    return {
      using: [],
      unknown: ['AzurePodIdentityExceptions: whoever asks may not list them'],
    };
  const using: Using[] = [];
  const unknown: string[] = [];
  for (const raw of exceptions) {
    const found = await exemptBy(raw, looking, index);
    if (typeof found === 'string')
      unknown.push(`AzurePodIdentityException ${keyOf(metadataOf(raw))}: ${found}`);
    else using.push(...found);
  }
  return { using, unknown: unknown.sort() };
}

/** Undefined when whoever asks may not list them. */
async function listExceptions({
  transport,
  signal,
}: ReadingExceptions): Promise<readonly unknown[] | undefined> {
  try {
    return await createResource<unknown>(transport, resources.AzurePodIdentityException).list({
      signal,
    });
  } catch (error) {
    if (error instanceof KubeError && error.code === 'denied') return undefined;
    throw error;
  }
}

/** A text says why it is unknown: an unreadable exception of one user must not prevent the report of others. */
async function exemptBy(
  raw: unknown,
  looking: ReadingExceptions,
  index: ClusterIndex,
): Promise<readonly Using[] | string> {
  const parsed = parseAzurePodIdentityException(raw);
  if (!parsed.ok) return problemTexts(parsed.problems).join('; ');
  try {
    return await podsOf(parsed.value, looking, index);
  } catch (error) {
    if (error instanceof KubeError && (error.code === 'invalid' || error.code === 'denied'))
      return error.message;
    throw error;
  }
}

async function podsOf(
  exception: AzurePodIdentityException,
  { transport, signal }: ReadingExceptions,
  index: ClusterIndex,
): Promise<readonly Using[]> {
  const { namespace = '' } = exception.metadata;
  const pods = createResource<unknown>(transport, coreKinds.pods);
  const lists = Object.entries(exception.spec.podLabels).map(async ([key, value]) => {
    // The value is compared without case, which selectors cannot do.
    const labelled = await pods.list({ namespace, labelSelector: key, signal });
    return labelled.filter((pod) => labelOf(pod, key).toLowerCase() === value.toLowerCase());
  });
  const by = `AzurePodIdentityException ${keyOf(exception.metadata)}`;
  const using: Using[] = [];
  for (const pod of (await Promise.all(lists)).flat()) {
    const { host } = index.nodeHost(stringAt(memberOf(pod, 'spec'), 'nodeName'));
    if (!host || isFinished(pod)) continue;
    const serviceAccount = stringAt(memberOf(pod, 'spec'), 'serviceAccountName');
    if (hasAccount({ serviceAccount }))
      using.push({
        pod: keyOf(metadataOf(pod)),
        subject: { namespace, name: serviceAccount },
        by,
        ...targetOf(host),
      });
  }
  return using;
}

function targetOf({ id }: Host): Pick<Using, 'targets' | 'problem'> {
  const target = machineTarget(id);
  return target.ok
    ? { targets: [target.value] }
    : { targets: [], problem: target.problems.map(({ message }) => message).join('; ') };
}

function labelOf(pod: unknown, key: string): string {
  return stringAt(memberOf(memberOf(pod, 'metadata'), 'labels'), key);
}

function metadataOf(raw: unknown): { readonly namespace: string; readonly name: string } {
  const metadata = memberOf(raw, 'metadata');
  return { namespace: stringAt(metadata, 'namespace'), name: stringAt(metadata, 'name') };
}
