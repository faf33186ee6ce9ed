import { mostEntries, mostRosterBytes } from './entry.ts';

export type RosterData = Readonly<Record<string, string>>;

/**
 * The `data` of the ConfigMap with the own entry (without: it is removed) and without those of pods that are gone; undefined if that is
 * how it is. Data of which agents read only a part is replaced: the other replicas put their entries back in seconds.
 */
export function nextData(
  data: RosterData,
  own: { readonly name: string; readonly value: string | undefined },
  gone: ReadonlySet<string>,
): RosterData | undefined {
  const before = Object.entries(data);
  const others = isReadable(before) ? before.filter(([name]) => name !== own.name && !gone.has(name)) : [];
  if (data[own.name] === own.value && before.length === others.length + (own.name in data ? 1 : 0))
    return undefined;
  return Object.fromEntries([
    ...others,
    ...(own.value === undefined ? [] : [[own.name, own.value] as const]),
  ]);
}

/** Half of the limits, so that the other replicas have space. */
function isReadable(entries: readonly (readonly [string, string])[]): boolean {
  return entries.length <= mostEntries / 2 && JSON.stringify(entries).length <= mostRosterBytes / 2;
}
