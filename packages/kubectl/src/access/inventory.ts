import { modeForIdentity } from '@pod-identity/policy';
import { exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { readClusterView } from '../cluster/follow-cluster.ts';
import { needs } from '../cluster/within-rights.ts';
import {
  accessOnce,
  identitiesInUse,
  machinesInUse,
  namespaceOf,
  type Using,
} from '../../../mic/src/commands/plug-in.ts';
import { isForPrograms } from '../print/output.ts';
import { reportNotes } from './access.ts';
import { entryOf, type InventoryEntry, type IdentityUse } from './inventory-entry.ts';
import { rulesOf } from './modes.ts';
import { openRights } from './rights.ts';
import { createReviews } from './verdicts.ts';

export const inventory: PlugInCommand = {
  name: 'inventory',
  summary: 'lists which pod can be whom: pod, ServiceAccount, identity, type, right and state',
  examples: ['inventory -n shop', 'inventory -A -o json'],
  async run(session) {
    const [rights, { uses, isCut, notes: lacking }] = await Promise.all([
      openRights(session),
      readUses(session),
    ]);
    const review = createReviews(rights, session);
    const entries = await Promise.all(
      uses.map(async (use) => {
        const verdicts =
          use.mode === 'namespace'
            ? []
            : await Promise.all(use.using.targets.map((target) => review(use.using.subject, target)));
        return entryOf(use, verdicts);
      }),
    );
    entries.sort(byPod);
    const notes = [...rights.notes, ...lacking];
    if (isForPrograms(session)) session.out.object({ source: rights.source, entries, notes });
    else print(session, entries);
    reportNotes(session, notes);
    const isKnown = !isCut && entries.every(({ mayUse }) => mayUse !== null);
    return isKnown ? exitCodes.ok : exitCodes.unknown;
  },
};

interface Uses {
  readonly uses: readonly IdentityUse[];
  /** Some are left out. */
  readonly isCut: boolean;
  readonly notes: readonly string[];
}

async function readUses(session: Session): Promise<Uses> {
  const { namespace } = session;
  const rules = await rulesOf(session);
  const { forceNamespaced, mode } = rules;
  const reading = { forceNamespaced, access: accessOnce(mode), needs: needs.inventory };
  const { cluster, transport } = await readClusterView({ ...session, ...reading });
  const { index, records } = cluster;
  const machines = await machinesInUse({ ...session, transport }, index);
  const isListed = ({ pod }: Using) => namespace === undefined || namespaceOf(pod) === namespace;
  // Machines first: bindings must not push out an entry for all identities of a machine.
  const { kept, leftOut } = boundedByNamespace(machines.using.filter(isListed), identitiesInUse(index));
  const uses = kept.filter(isListed).map((using) => {
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
  const notes = [...rules.notes, ...cluster.unknown, ...machines.unknown, ...leftOut];
  return { uses, isCut: leftOut.length > 0, notes };
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

function byPod(a: InventoryEntry, b: InventoryEntry): number {
  const [one = '', other = ''] = [a, b].map(({ namespace, pod, by }) => `${namespace}/${pod} ${by}`);
  return one < other ? -1 : Number(one > other);
}

function print({ out }: Session, entries: readonly InventoryEntry[]): void {
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
