import type { Column, Line, Thing } from '../picture.ts';
import { lineKey } from './apply-changes.ts';
import { compareNames, worse } from './words.ts';

/** What has a position of its own in the picture: a thing, or a group of pods that are alike. */
export interface Item extends Omit<Thing, 'group'> {
  /** Of a group: its pods. */
  readonly members?: readonly Thing[];
  /** Of a group whose pods are shown below it. */
  readonly isOpen?: boolean;
  /** Of a pod that is shown below its group. */
  readonly isMember?: boolean;
}

export interface Folded {
  readonly items: readonly Item[];
  readonly lines: readonly Line[];
  /** The item that stands for a thing. */
  readonly itemOf: ReadonlyMap<string, string>;
}

/** Two pods take no more room than their group would. */
const smallest = 3;

export const groupId = (group: string): string => `group:${group}`;

export function fold(
  { things, lines }: { readonly things: readonly Thing[]; readonly lines: readonly Line[] },
  open: readonly string[],
): Folded {
  const groups = Map.groupBy(
    things.filter(({ group }) => group !== undefined),
    ({ group }) => group ?? '',
  );
  const items: Item[] = [];
  const itemOf = new Map<string, string>();
  for (const thing of things) {
    const members = thing.group === undefined ? undefined : groups.get(thing.group);
    if (members === undefined || members.length < smallest) items.push(thing);
    else if (open.includes(thing.group ?? '')) {
      if (members[0] === thing) items.push(groupItem(thing, members, true));
      items.push({ ...thing, isMember: true });
    } else {
      if (members[0] === thing) items.push(groupItem(thing, members, false));
      itemOf.set(thing.id, groupId(thing.group ?? ''));
      continue;
    }
    itemOf.set(thing.id, thing.id);
  }
  return { items, lines: foldLines(lines, itemOf), itemOf };
}

function groupItem(first: Thing, members: readonly Thing[], isOpen: boolean): Item {
  const { column, namespace, state, about, group = '' } = first;
  return { id: groupId(group), column, namespace, state, about, name: commonName(members), members, isOpen };
}

/** What the names have in common up to a hyphen: `web-7d9f` for the pods of a ReplicaSet, `web` for those of a StatefulSet. */
function commonName(members: readonly Thing[]): string {
  const names = members.map(({ name }) => name).toSorted(compareNames);
  const [first = '', last = ''] = [names[0], names.at(-1)];
  let length = 0;
  while (length < first.length && names.every((name) => name[length] === first[length])) length += 1;
  const common = first.slice(0, length).replace(/-[^-]*$/, '');
  return common === '' ? `${first} … ${last}` : common;
}

/** One line for all that join the same two items, in the state that needs attention most. */
function foldLines(lines: readonly Line[], itemOf: ReadonlyMap<string, string>): readonly Line[] {
  const folded = new Map<string, Line>();
  for (const line of lines) {
    const [from, to] = [itemOf.get(line.from), itemOf.get(line.to)];
    if (from === undefined || to === undefined) continue;
    const key = lineKey({ from, to });
    const before = folded.get(key);
    folded.set(key, { from, to, state: before ? worse(before.state, line.state) : line.state });
  }
  return [...folded.values()];
}

/** The picture with these columns alone; lines through a column that is left out join their ends. */
export function keepColumns({ items, lines, itemOf }: Folded, columns: readonly Column[]): Folded {
  const kept = items.filter(({ column }) => columns.includes(column));
  if (kept.length === items.length) return { items, lines, itemOf };
  const ids = new Set(kept.map(({ id }) => id));
  const after = Map.groupBy(lines, ({ from }) => from);
  const joined = new Map<string, Line>();
  for (const { from, to, state } of lines.filter((line) => ids.has(line.from))) {
    const ends = ids.has(to) ? [{ from, to, state }] : (after.get(to) ?? []);
    for (const end of ends) {
      if (!ids.has(end.to)) continue;
      joined.set(lineKey({ from, to: end.to }), { from, to: end.to, state: worse(state, end.state) });
    }
  }
  return { items: kept, lines: [...joined.values()], itemOf };
}
