// From the original's MIC and NMI to those of this project. The installation is kubectl's or helm's: the plan has their commands.
import { flagsOf, readFlags, type ServiceFlags, type FlagTable } from '@pod-identity/kit/core';
import { shellWord } from '@pod-identity/policy';
import { blocked, done, type Plan, type Step } from './plan.ts';

/** A DaemonSet or Deployment of the original. */
export interface Original {
  readonly role: 'nmi' | 'mic';
  readonly namespace: string;
  readonly name: string;
  readonly argv: readonly string[];
}

export interface OriginalFacts {
  readonly originals: readonly Original[];
  /** Whether a ready one of this project is there. */
  readonly own: { readonly nmi: boolean; readonly mic: boolean };
  /** Of the definition of AzureIdentity. One that may not be read counts as another's. */
  readonly definition: { readonly isOwn: boolean; readonly preservesUnknown: boolean };
  readonly flags: Readonly<Record<Original['role'], ServiceFlags<FlagTable>>>;
  readonly unknown: readonly string[];
}

const install = (what: string) =>
  `kubectl kustomize deploy/${what} | sed "s#your-registry.invalid#\${REGISTRY:?}#" | kubectl apply -f -`;
const page = 'docs/administrator/from-the-original.md';

export function toOurs(facts: OriginalFacts): Plan {
  return {
    name: 'to-ours',
    subject: '',
    title: 'from AAD Pod Identity to this project; run in a checkout, with REGISTRY set',
    steps: [definitionsStep(facts), nmiStep(facts), micStep(facts)],
    notes: [
      ...facts.unknown,
      ...facts.originals.flatMap((one) => flagNotes(one, facts.flags[one.role])),
      `each step with its reasons, and the way back: ${page}`,
    ],
    back: `${page} has the order for NMI and for MIC`,
  };
}

function definitionsStep({ definition }: OriginalFacts): Step {
  const head = { id: 'definitions', title: 'the definitions are those of this project' };
  if (definition.isOwn) return done(head);
  return {
    ...head,
    state: 'by hand',
    commands: [
      ...(definition.preservesUnknown
        ? ['kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions']
        : []),
      'kubectl apply -f deploy/crds -f deploy/base/namespace.yaml -f deploy/components/original-lock/rbac.yaml',
    ],
  };
}

const inOurs = (words: string) => `kubectl -n aad-pod-identity ${words}`;

function nmiStep(facts: OriginalFacts): Step {
  const title = 'the NMI of this project is on every node, and that of the original is removed';
  return serviceStep({ id: 'nmi', title }, facts, (old) => ({
    why: 'delete the old DaemonSet when each node has a pod of ours, Running and not ready: it waits for the port',
    commands: [
      install('base/nmi'),
      inOurs('get pods -l component=nmi -o wide'),
      ...old.map(
        ({ namespace, name }) =>
          `kubectl delete daemonset ${shellWord(name)} --namespace ${shellWord(namespace)}`,
      ),
      inOurs('rollout status daemonset/nmi'),
    ],
    back: [
      inOurs('delete daemonset nmi'),
      install('overlays/uninstall'),
      inOurs('rollout status daemonset/nmi-uninstall'),
      'kubectl delete -k deploy/overlays/uninstall',
    ],
  }));
}

function micStep(facts: OriginalFacts): Step {
  const title = 'the MIC of this project runs, and that of the original does not: two would undo each other';
  const scale = (old: readonly Original[], replicas: number) =>
    old.map(
      ({ namespace, name }) =>
        `kubectl scale deployment ${shellWord(name)} --replicas=${replicas} --namespace ${shellWord(namespace)}`,
    );
  return serviceStep({ id: 'mic', title }, facts, (old) => ({
    why: 'start ours when the pods of the old one are gone',
    commands: [...scale(old, 0), install('base/mic'), inOurs('rollout status deployment/mic')],
    back: [inOurs('scale deployment mic --replicas=0'), ...scale(old, 2)],
  }));
}

function serviceStep(
  head: { readonly id: Original['role']; readonly title: string },
  { originals, own }: OriginalFacts,
  stepFor: (old: readonly Original[]) => Partial<Step>,
): Step {
  const old = originals.filter(({ role }) => role === head.id);
  if (old.length === 0 && own[head.id]) return done(head);
  if (old.some(isNamedAsOurs)) return blocked(head, sameName);
  return { ...head, state: 'by hand', ...stepFor(old) };
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
