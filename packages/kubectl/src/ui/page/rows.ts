import type { Picture, State } from '../picture.ts';
import { graphOf, reached } from './graph.ts';
import { columns, compareNames, fullName, kindOf } from './words.ts';

/** A thing as a row of a table. */
export interface Row {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly state: State;
  readonly about: string;
  /** Of a pod or ServiceAccount the identities; of others what they lead to. */
  readonly leadsTo: readonly string[];
}

/** A table of all of them would be slow to draw. */
export const rowsPerPage = 100;

export function rowsOf({ things, lines }: Pick<Picture, 'things' | 'lines'>): readonly Row[] {
  const { after } = graphOf(lines);
  const byId = new Map(things.map((thing) => [thing.id, thing]));
  const toIdentities = graphOf(lines.filter(({ from }) => byId.get(from)?.column !== 'identity')).after;
  const sorted = things.toSorted(
    (one, other) =>
      columns.indexOf(one.column) - columns.indexOf(other.column) ||
      compareNames(fullName(one), fullName(other)),
  );
  return sorted.map((thing) => {
    const { id, column, state, about } = thing;
    const hasWay = column === 'pod' || column === 'serviceAccount';
    const ends = hasWay
      ? [...reached(toIdentities, [id])].filter((end) => byId.get(end)?.column === 'identity')
      : (after.get(id) ?? []);
    const leadsTo = ends.map((end) => byId.get(end)).filter((end) => end !== undefined);
    return {
      id,
      kind: kindOf(thing),
      name: fullName(thing),
      state,
      about,
      leadsTo: leadsTo.map(fullName).toSorted(compareNames),
    };
  });
}
