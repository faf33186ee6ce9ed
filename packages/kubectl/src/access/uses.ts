import { modeForIdentity } from '@pod-identity/policy';
import { exitCodes, type Session } from '../cli/command.ts';
import { readClusterView } from '../cluster/follow-cluster.ts';
import { needs } from '../cluster/within-rights.ts';
import {
  accessOnce,
  identitiesInUse,
  machinesInUse,
  namespaceOf,
  type Using,
} from '../../../mic/src/commands/plug-in.ts';
import type { Out } from '../print/output.ts';
import { entryOf, type UseEntry, type IdentityUse } from './use-entry.ts';
import { notesOn, rulesOf } from './modes.ts';
import type { Rights } from './rights.ts';
import { createReviews, type AccessResult } from './verdicts.ts';

/** `isWanted`: default: all of them. */
export async function readUses(
  session: Session,
  rights: Rights,
  isWanted: (using: Using) => boolean = () => true,
): Promise<AccessResult> {
  const { uses, isCut, notes } = await listUses(session, isWanted);
  const review = createReviews(rights, session);
  const entries = await Promise.all(
    uses.map(async (use) => {
      const { targets, subject } = use.using;
      const verdicts =
        use.mode === 'namespace' ? [] : await Promise.all(targets.map((target) => review(subject, target)));
      return entryOf(use, verdicts);
    }),
  );
  entries.sort(byPod);
  const isKnown = !isCut && entries.every(({ mayUse }) => mayUse !== null);
  return {
    object: { source: rights.source, entries },
    print: (out) => print(out, entries),
    notes: [...rights.notes, ...notes],
    code: isKnown ? exitCodes.ok : exitCodes.unknown,
  };
}

interface Uses {
  readonly uses: readonly IdentityUse[];
  /** Some are left out. */
  readonly isCut: boolean;
  readonly notes: readonly string[];
}

async function listUses(session: Session, isWanted: (using: Using) => boolean): Promise<Uses> {
  const { namespace } = session;
  const rules = await rulesOf(session);
  const { forceNamespaced, mode } = rules;
  const reading = { forceNamespaced, access: accessOnce(mode), needs: needs.inventory };
  const { cluster, transport } = await readClusterView({ ...session, ...reading });
  const { index, records } = cluster;
  const machines = await machinesInUse({ ...session, transport }, index);
  const isListed = (using: Using) =>
    (namespace === undefined || namespaceOf(using.pod) === namespace) && isWanted(using);
  // Machines first: bindings must not push out an entry for all identities of a machine.
  const { kept, leftOut } = boundedByNamespace(
    machines.using.filter(isListed),
    filtered(identitiesInUse(index), isListed),
  );
  const uses = kept.map((using) => {
    const { pod, identity } = using;
    const mode = index.accessMode(namespaceOf(pod));
    return {
      using,
      nodeName: index.pod(pod)?.nodeName ?? '',
      mode: identity ? modeForIdentity(identity, mode) : mode,
      isModeKnown: rules.isKnown || identity?.spec.type === 3,
      state: records.of(pod).find((record) => using.by === `AzureIdentity ${record.identity}`)?.state,
    };
  });
  const notes = [...rules.notes, ...notesOn(rules), ...cluster.unknown, ...machines.unknown, ...leftOut];
  return { uses, isCut: leftOut.length > 0, notes };
}

function* filtered(uses: Iterable<Using>, isListed: (using: Using) => boolean): Generator<Using> {
  for (const using of uses) if (isListed(using)) yield using;
}

/** Of one namespace. Its editors can bind a hundred identities to any number of pods: a million are too long to be printed. */
const mostOfNamespace = 20_000;

/** `leftOut`: what is left out, in words. */
export function boundedByNamespace(...lists: readonly Iterable<Using>[]): {
  readonly kept: readonly Using[];
  readonly leftOut: readonly string[];
} {
  const counts = new Map<string, number>();
  const kept: Using[] = [];
  for (const list of lists)
    for (const using of list) {
      const namespace = namespaceOf(using.pod);
      const count = (counts.get(namespace) ?? 0) + 1;
      counts.set(namespace, count);
      if (count <= mostOfNamespace) kept.push(using);
    }
  const leftOut = [...counts].flatMap(([namespace, count]) =>
    count > mostOfNamespace
      ? `${count - mostOfNamespace} more uses of identities in namespace ${namespace} are left out`
      : [],
  );
  return { kept, leftOut };
}

function byPod(a: UseEntry, b: UseEntry): number {
  const [one = '', other = ''] = [a, b].map(({ namespace, pod, by }) => `${namespace}/${pod} ${by}`);
  return one < other ? -1 : Number(one > other);
}

function print(out: Out, entries: readonly UseEntry[]): void {
  out.table({
    columns: [
      { name: 'POD' },
      { name: 'SERVICEACCOUNT' },
      { name: 'IDENTITY' },
      { name: 'TYPE' },
      { name: 'RIGHT' },
      { name: 'STATE' },
      { name: 'MODE', isWide: true },
      { name: 'NODE', isWide: true },
      { name: 'AZURE', isWide: true },
    ],
    rows: entries.map((entry) => [
      `${entry.namespace}/${entry.pod}`,
      entry.serviceAccount,
      entry.by,
      entry.type,
      entry.right,
      entry.state ?? '',
      entry.mode ?? '',
      entry.node ?? '',
      entry.azure.map(({ name }) => name).join(','),
    ]),
  });
}
