// Room: who may use which Azure identity, and who does: `access`.
// It must not grant anything, or decide what policy decides.
import { accessTargetKey, type AccessSubject } from '@pod-identity/crd-types';
import { coreKinds } from '@pod-identity/kit/kube';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { keyOf, textAt } from '../cluster/fields.ts';
import { getAllowed, unknownOf } from '../cluster/lists.ts';
import { readCluster } from '../cluster/read-cluster.ts';
import { isForPrograms } from '../print/output.ts';
import { holdersOf, readClusterRoles, type Holder } from './grants.ts';
import { notesOn, rulesOf } from '../rights/modes.ts';
import { openRights } from '../rights/rights.ts';
import { printEntries, printHolders, printIdentities, verdictObject, type VerdictObject } from './tables.ts';
import { identityArgument, namedIn, readTargets, type Named } from './targets.ts';
import { boundedByNamespace, entryOf, usesIn, type Use, type UseEntry } from './uses.ts';
import { createReviews, type Reviews, type Right } from '../rights/verdicts.ts';

export const access: PlugInCommand = {
  name: 'access',
  summary:
    'lists which pod can be whom; of a ServiceAccount or pod: what it may use, and the missing roles; of an identity: who may use it and who does',
  args: [
    {
      name: 'serviceaccount',
      what: 'NAMESPACE/SERVICEACCOUNT, or SERVICEACCOUNT of the namespace',
      optional: true,
    },
    { name: 'id', what: `${identityArgument}; default: those of all AzureIdentities`, optional: true },
  ],
  options: [
    { flags: '--pod', what: 'the first argument is a pod: its ServiceAccount is meant' },
    { flags: '--identity <id>', what: 'tells who may use this identity, and which pods do' },
  ],
  examples: [
    'access -A',
    'access shop/web',
    'access shop/web TENANT/CLIENT-ID',
    'access --pod shop/web-0',
    'access --identity shop/reader',
  ],
  async run(session, { args: [name, id], options: { pod = false, identity } }) {
    if (name === undefined ? pod : identity !== undefined)
      throw new CommandProblem('give a name, with --pod that of a pod, or --identity, or neither');
    const subject = name === undefined ? undefined : await subjectOf(session, name, pod === true);
    const wanted = id ?? (typeof identity === 'string' ? identity : undefined);
    const named = wanted === undefined ? undefined : await readTargets(session, wanted);
    return show(session, { subject, named });
  },
};

interface Query {
  readonly subject: AccessSubject | undefined;
  /** Undefined: none was named. */
  readonly named: readonly Named[] | undefined;
}

async function show(session: Session, query: Query): Promise<number> {
  const { subject, isAllNamespaces } = { ...session, ...query };
  const namespace = isAllNamespaces ? undefined : (subject?.namespace ?? session.namespace);
  const [rights, read] = await Promise.all([openRights(session), readCluster({ ...session, namespace })]);
  const rules = await rulesOf({ services: () => Promise.resolve(read.services) });
  const review = createReviews(rights, session);
  const { kept, leftOut } = boundedByNamespace(usesIn(read, rules), isMeantBy(query));
  const entries = await Promise.all(kept.map((use) => entryOf(use, review)));
  entries.sort((a, b) => `${a.pod} ${a.by}`.localeCompare(`${b.pod} ${b.by}`, 'en'));
  const { missing, ...more } = await (subject
    ? verdictsOn(subject, query.named ?? namedIn(read), review)
    : readHolders(session, query.named));
  const unread = [read.identities, read.bindings, read.exceptions, read.pods].flatMap(unknownOf);
  const unknown = [...unread, ...leftOut, ...missing];
  const notes = [
    ...(namespace === undefined || subject ? [] : [`pods of namespace ${namespace}; -A for all`]),
    ...rights.notes,
    ...rules.notes,
    ...notesOn(rules),
    ...unknown,
    ...[read.records, read.nodes, read.namespaces].flatMap(unknownOf),
    ...new Set(more.identities?.flatMap(({ why = [] }) => why)),
  ];
  print(session, query, { source: rights.source, ...more, entries, notes });
  const isKnown = unknown.length === 0 && entries.every(({ mayUse }) => mayUse !== null);
  return codeOf({ ...query, isKnown, allowsAnybody: rights.allowsAnybody }, more.identities);
}

function codeOf(
  { subject, named, isKnown, allowsAnybody }: Query & Readonly<Record<'isKnown' | 'allowsAnybody', boolean>>,
  identities: readonly VerdictObject[] = [],
): number {
  const has = (wanted: Right) => identities.some(({ right }) => right === wanted);
  const isOneRight = subject !== undefined && named !== undefined;
  if (isOneRight && (has('refused') || allowsAnybody)) return exitCodes.problem;
  return has('unknown') || (!isOneRight && !isKnown) ? exitCodes.unknown : exitCodes.ok;
}

/** Each is reviewed up to three times. */
const mostTargets = 1_000;

interface Result extends Partial<Pick<Found, 'identities' | 'targets'>> {
  /** What is not told, in words. */
  readonly missing: readonly string[];
}

async function verdictsOn(subject: AccessSubject, all: readonly Named[], review: Reviews): Promise<Result> {
  const verdicts = all
    .slice(0, mostTargets)
    .map(async (one) => verdictObject(one, await review(subject, one.target)));
  const left = all.length - verdicts.length;
  return {
    identities: await Promise.all(verdicts),
    missing: left > 0 ? [`${left} more Azure identities are left out: name one`] : [],
  };
}

async function readHolders(session: Session, named: readonly Named[] | undefined): Promise<Result> {
  if (named === undefined) return { missing: [] };
  const roles = await readClusterRoles(session);
  if (roles === undefined) return { missing: [noGrants] };
  const targets = named.map(({ target }) => ({
    resource: target.resource,
    name: target.names[0],
    holders: holdersOf(roles, target),
  }));
  return { targets, missing: [] };
}

function isMeantBy({ subject, named }: Query): (use: Use) => boolean {
  const keys = named && new Set(named.map(({ target }) => accessTargetKey(target)));
  return (use) =>
    (subject === undefined || keyOf(use.subject) === keyOf(subject)) &&
    (keys === undefined || use.targets.some((target) => keys.has(accessTargetKey(target))));
}

interface Found {
  readonly source: string;
  readonly identities?: readonly VerdictObject[];
  readonly targets?: readonly { readonly holders: readonly Holder[] }[];
  readonly entries: readonly UseEntry[];
  readonly notes: readonly string[];
}

function print({ out, err, format }: Session, { subject, named }: Query, found: Found): void {
  const { identities, targets, entries, notes } = found;
  if (isForPrograms({ format })) {
    out.object({ serviceAccount: subject, ...found });
    return;
  }
  if (identities) printIdentities(out, identities, named !== undefined);
  if (targets) {
    const all = targets.flatMap(({ holders }) => holders);
    printHolders(out, all);
  }
  if (!subject || entries.length > 0) printEntries(out, entries);
  // Not on standard output, which has results alone; JSON has them as a field.
  for (const note of notes) err(`note: ${note}`);
}

const noGrants =
  'who has rights can be told only by ClusterRoles and ClusterRoleBindings, which you may not list; access NAMESPACE/SERVICEACCOUNT tells it for one ServiceAccount if you may create SubjectAccessReviews';

async function subjectOf(session: Session, text: string, isPod: boolean): Promise<AccessSubject> {
  const key = parseObjectName(text, isPod ? 'pod' : 'ServiceAccount', session);
  if (!isPod) return key;
  const pod = await getAllowed({ ...session, kind: coreKinds.pods, ...key });
  if (pod.kind === 'not-read')
    throw new CommandProblem(pod.why === 'absent' ? `there is no pod ${text}` : pod.text);
  const name = textAt(pod.object, 'spec.serviceAccountName');
  if (name === '') throw new CommandProblem(`pod ${text} has no ServiceAccount, and gets no identity`);
  return { namespace: key.namespace, name };
}
