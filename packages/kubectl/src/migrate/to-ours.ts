// From the original's MIC and NMI to those of this project. The installation is kubectl's or helm's: the plan has their commands.
import { flagsOf, readFlags, type ServiceFlags, type FlagTable } from '@pod-identity/kit/core';
import { shellWord } from '@pod-identity/policy';
import type { Plan, Step } from './plan.ts';

/** A DaemonSet or Deployment of the original. */
export interface Original {
  readonly role: 'nmi' | 'mic';
  readonly namespace: string;
  readonly name: string;
  readonly argv: readonly string[];
}

export interface OriginalSight {
  readonly originals: readonly Original[];
  /** Whether a ready one of this project is there. */
  readonly own: { readonly nmi: boolean; readonly mic: boolean };
  /** Of the definition of AzureIdentity; undefined: it may not be read. */
  readonly definition: { readonly isOwn: boolean; readonly preservesUnknown: boolean } | undefined;
  readonly flags: Readonly<Record<Original['role'], ServiceFlags<FlagTable>>>;
  readonly unknown: readonly string[];
}

const install = (what: string) =>
  `kubectl kustomize deploy/${what} | sed "s#your-registry.invalid#\${REGISTRY:?}#" | kubectl apply -f -`;
const page = 'docs/administrator/from-the-original.md';

export function toOurs(sight: OriginalSight): Plan {
  return {
    name: 'to-ours',
    subject: '',
    title: 'from AAD Pod Identity to this project; run in a checkout, with REGISTRY set',
    steps: [definitionsStep(sight), nmiStep(sight), micStep(sight)],
    notes: [
      ...sight.unknown,
      ...sight.originals.flatMap((one) => flagNotes(one, sight.flags[one.role])),
      `each step with its reasons, and the way back: ${page}`,
    ],
    back: `${page} has the order for NMI and for MIC`,
  };
}

function definitionsStep({ definition }: OriginalSight): Step {
  const title = 'the definitions are those of this project';
  if (definition?.isOwn === true) return { id: 'definitions', title, state: 'done' };
  return {
    id: 'definitions',
    title,
    state: 'by hand',
    commands: [
      ...(definition?.preservesUnknown === true
        ? ['kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions']
        : []),
      'kubectl apply -f deploy/crds -f deploy/base/namespace.yaml -f deploy/components/original-lock/rbac.yaml',
    ],
  };
}

function nmiStep({ originals, own }: OriginalSight): Step {
  const old = originals.filter(({ role }) => role === 'nmi');
  const title = 'the NMI of this project is on every node, and that of the original is removed';
  if (old.length === 0 && own.nmi) return { id: 'nmi', title, state: 'done' };
  if (old.some(isNamedAsOurs)) return { id: 'nmi', title, state: 'blocked', why: sameName };
  return {
    id: 'nmi',
    title,
    state: 'by hand',
    why: 'delete the old DaemonSet when each node has a pod of ours, Running and not ready: it waits for the port',
    commands: [
      install('base/nmi'),
      'kubectl -n aad-pod-identity get pods -l component=nmi -o wide',
      ...old.map(
        ({ namespace, name }) =>
          `kubectl delete daemonset ${shellWord(name)} --namespace ${shellWord(namespace)}`,
      ),
      'kubectl -n aad-pod-identity rollout status daemonset/nmi',
    ],
    back: [
      'kubectl -n aad-pod-identity delete daemonset nmi',
      install('overlays/uninstall'),
      'kubectl -n aad-pod-identity rollout status daemonset/nmi-uninstall',
      'kubectl delete -k deploy/overlays/uninstall',
    ],
  };
}

function micStep({ originals, own }: OriginalSight): Step {
  const old = originals.filter(({ role }) => role === 'mic');
  const title = 'the MIC of this project runs, and that of the original does not: two would undo each other';
  if (old.length === 0 && own.mic) return { id: 'mic', title, state: 'done' };
  if (old.some(isNamedAsOurs)) return { id: 'mic', title, state: 'blocked', why: sameName };
  const scale = (one: Original, replicas: number) =>
    `kubectl scale deployment ${shellWord(one.name)} --replicas=${replicas} --namespace ${shellWord(one.namespace)}`;
  return {
    id: 'mic',
    title,
    state: 'by hand',
    why: 'start ours when the pods of the old one are gone',
    commands: [
      ...old.map((one) => scale(one, 0)),
      install('base/mic'),
      'kubectl -n aad-pod-identity rollout status deployment/mic',
    ],
    back: [
      'kubectl -n aad-pod-identity scale deployment mic --replicas=0',
      ...old.map((one) => scale(one, 2)),
    ],
  };
}

const isNamedAsOurs = ({ role, namespace, name }: Original) =>
  namespace === 'aad-pod-identity' && name === role;
const sameName = `the original's object has the name and namespace of ours, and kubectl apply would replace it in place: give ours another namespace (${page}#before)`;

/** What becomes of each flag that the original was given. */
function flagNotes(
  { role, namespace, name, argv }: Original,
  table: ServiceFlags<FlagTable>,
): readonly string[] {
  const { given, problems } = readFlags(table, { argv, env: {} });
  const rows = flagsOf(table).filter((flag) => given.has(flag.name));
  const of = `${role} ${namespace}/${name}`;
  return [
    ...rows.map(
      ({ name: flag, fate, why }) =>
        `${of}: --${flag} ${fates[fate]}${why === undefined || fate === 'kept' ? '' : `: ${why}`}`,
    ),
    ...problems.map(({ message }) => `${of}: ${message}: look at it before you go on`),
  ];
}

const fates = {
  kept: 'means the same here: give it to ours',
  changed: 'is another one here',
  dropped: 'has no effect here',
  new: 'is of this project alone',
} as const;
