// The register of inputs: everything that MIC and NMI read of text that others write. docs/reference/inputs.md shows it as a table.
import type { InputEntry, InputRead } from './entry.ts';
import { brokerEntries } from './broker.ts';
import { connectionEntries } from './nmi-connections.ts';
import { requestEntries } from './nmi-requests.ts';
import { clusterObjectEntries } from './cluster-objects.ts';
import { customResourceEntries } from './custom-resources.ts';
import { otherEntries } from './others.ts';

export const register: readonly InputEntry[] = [
  ...connectionEntries,
  ...requestEntries,
  ...customResourceEntries,
  ...clusterObjectEntries,
  ...brokerEntries,
  ...otherEntries,
];

/** What is wrong with the entries, given what the code reads. */
export function faultsOf(
  entries: readonly InputEntry[],
  reads: readonly Pick<InputRead, 'id'>[],
): readonly string[] {
  const entryCount = new Map<string, number>();
  for (const id of entries.flatMap((entry) => entry.reads)) entryCount.set(id, (entryCount.get(id) ?? 0) + 1);
  const known = new Set(reads.map(({ id }) => id));
  return [
    ...[...known].filter((id) => !entryCount.has(id)).map((id) => `${id} is read and has no entry`),
    ...[...entryCount.keys()]
      .filter((id) => !known.has(id))
      .map((id) => `${id} has an entry and is not read`),
    ...[...entryCount].filter(([, count]) => count > 1).map(([id]) => `${id} has several entries`),
  ];
}
