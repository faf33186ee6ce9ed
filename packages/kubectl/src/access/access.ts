// Room: who may use which Azure identity, and who does: `access`.
// It must not grant anything, or decide what policy decides.
import { accessTargetKey, type AccessSubject } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { fieldAt } from '../cluster/fields.ts';
import { itemsOf, listAllowed, unknownOf } from '../cluster/lists.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { isForPrograms } from '../print/output.ts';
import { notesOn, rulesOf } from '../rights/modes.ts';
import { openRights } from '../rights/rights.ts';
import { createReviews, type Right } from '../rights/verdicts.ts';
import { holdersOf } from './grants.ts';
import {
  identityArgument,
  identityEntry,
  targetsIn,
  targetsNamed,
  type IdentityEntry,
  type Named,
} from './targets.ts';
import { createEntries, usesIn, type Use } from './uses.ts';

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
  run,
};

interface Query {
  readonly read: ClusterRead;
  readonly session: Session;
  /** Undefined: none was named. */
  readonly named: readonly Named[] | undefined;
}

async function run(
  session: Session,
  { args: [name, id], options: { pod, identity } }: Given,
): Promise<number> {
  if (name === undefined ? pod === true : identity !== undefined)
    throw new CommandProblem('give a name, with --pod that of a pod, or --identity, or neither');
  const given = name === undefined ? undefined : parseObjectName(name, 'ServiceAccount or pod', session);
  const read = await readCluster({ ...session, namespace: given?.namespace ?? session.namespace });
  const text = id ?? identity;
  const named = typeof text === 'string' ? targetsNamed(text, read, session) : undefined;
  const query = { read, session, named };
  return given ? showAccount(pod === true ? accountOf(given, read) : given, query) : showPods(query);
}

async function rightsFor({ read, session }: Query) {
  const rights = await openRights(session);
  const rules = rulesOf(read.services);
  const notes = [...rights.notes, ...rules.notes, ...notesOn(rules)];
  return { ...rights, rules, notes, review: createReviews(rights, session) };
}

async function showAccount(serviceAccount: AccessSubject, query: Query): Promise<number> {
  const { read, session, named } = query;
  const { review, source, allowsAnybody, notes } = await rightsFor(query);
  const all = (named ?? targetsIn(read)).map((one) => identityEntry(serviceAccount, one, review));
  const identities = await Promise.all(all);
  const unknown = named ? [] : unknownOf(read.identities);
  print(session, { source, serviceAccount, identities, notes: [...notes, ...unknown] });
  if (named && !isForPrograms(session)) printRoles(session, identities);
  const has = (wanted: Right) => identities.some(({ right }) => right === wanted);
  if (named && (has('refused') || allowsAnybody)) return exitCodes.problem;
  return unknown.length > 0 || has('unknown') ? exitCodes.unknown : exitCodes.ok;
}

function printRoles({ out }: Session, identities: readonly IdentityEntry[]): void {
  for (const { roles, warning } of identities)
    for (const line of [warning && `# warning: ${warning}`, ...roles.split('\n')].filter(Boolean))
      out.line(line);
}

async function showPods(query: Query): Promise<number> {
  const { read, session, named } = query;
  const { review, source, rules, notes } = await rightsFor(query);
  const holders = await holdersFor(query);
  const uses = usesOf(usesIn(read, rules), named);
  const entries = await Promise.all(uses.slice(0, mostUses).map(createEntries(read, rules, review)));
  entries.sort((a, b) => `${a.pod} ${a.by}`.localeCompare(`${b.pod} ${b.by}`, 'en'));
  const unknown = [
    ...[read.identities, read.bindings, read.exceptions, read.pods].flatMap(unknownOf),
    ...(uses.length > mostUses ? [`only ${mostUses} uses of identities are shown: give -n NAMESPACE`] : []),
    ...(named && !holders ? [noHolders] : []),
  ];
  const scope = read.namespace === undefined ? [] : [`pods of namespace ${read.namespace}; -A for all`];
  const more = [read.records, read.nodes, read.namespaces].flatMap(unknownOf);
  print(session, { source, holders, entries, notes: [...scope, ...notes, ...unknown, ...more] });
  const has = (wanted: boolean | null) => entries.some(({ mayUse }) => mayUse === wanted);
  if (has(false)) return exitCodes.problem;
  return unknown.length > 0 || has(null) ? exitCodes.unknown : exitCodes.ok;
}

/** Editors can bind a hundred identities to any number of pods: a million are too long to be printed. */
const mostUses = 100_000;

export function usesOf(all: Iterable<Use>, named: readonly Named[] | undefined): readonly Use[] {
  const keys = named && new Set(named.map(({ target }) => accessTargetKey(target)));
  const kept: Use[] = [];
  for (const use of all) {
    if (keys && !use.targets.some((target) => keys.has(accessTargetKey(target)))) continue;
    if (kept.push(use) > mostUses) break;
  }
  return kept;
}

/** Undefined: no identity is named, or they may not be read. */
async function holdersFor({ session: { kube, signal }, named }: Query) {
  const kinds = named ? [clusterKinds.clusterRoles, clusterKinds.clusterRoleBindings] : [];
  const trim = (object: unknown) => object;
  const [roles, bindings] = await Promise.all(kinds.map((kind) => listAllowed({ kube, signal, kind, trim })));
  if (roles?.kind !== 'read' || bindings?.kind !== 'read') return undefined;
  return named?.flatMap(({ target }) => holdersOf(roles.items, bindings.items, target));
}

const noHolders =
  'who has rights can be told only by ClusterRoles and ClusterRoleBindings, which you may not list; access NAMESPACE/SERVICEACCOUNT tells it for one ServiceAccount if you may create SubjectAccessReviews';

/** Fields of the JSON. Those with a star are printed with `-o wide` alone. */
const columns = {
  identities: ['right', 'name', 'by', '*resource', '*on'],
  holders: ['holder', 'on', 'clusterRole', 'clusterRoleBinding'],
  entries: ['pod', 'serviceAccount', 'by', 'type', 'right', 'state', '*mode', '*node', '*azure'],
} as const;
type Found = { readonly [List in keyof typeof columns]?: readonly object[] | undefined } & {
  readonly source: string;
  readonly serviceAccount?: AccessSubject;
  readonly notes: readonly string[];
};

function print({ out, err, format }: Session, found: Found): void {
  if (isForPrograms({ format })) {
    out.object(found);
    return;
  }
  const cellOf = (entry: object, name: string) => {
    const text = [fieldAt(entry, name)].flat().join();
    if (format === 'wide') return text;
    // Ids of Azure fit no line, and a ServiceAccount is of the namespace of its pod.
    const isLong = text.startsWith('/') || name === 'serviceAccount';
    return isLong ? text.slice(text.lastIndexOf('/') + 1) : text.replace(/^AzureIdentity /, '');
  };
  for (const list of ['identities', 'holders', 'entries'] as const)
    if (found[list])
      out.table({
        columns: columns[list].map((name) => ({
          name: name.replace('*', '').toUpperCase(),
          isWide: name.startsWith('*'),
        })),
        rows: found[list].map((entry) => columns[list].map((name) => cellOf(entry, name.replace('*', '')))),
      });
  // Not on standard output, which has results alone; JSON has them as a field.
  for (const note of found.notes) err(`note: ${note}`);
}

function accountOf({ namespace, name }: AccessSubject, { pods }: ClusterRead): AccessSubject {
  const pod = itemsOf(pods).find((one) => one.namespace === namespace && one.name === name);
  if (pod) return { namespace, name: pod.serviceAccount };
  throw new CommandProblem([`there is no pod ${namespace}/${name}`, ...unknownOf(pods)].join('; '));
}
