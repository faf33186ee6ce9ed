import type { Picture, State, Thing } from '../picture.ts';
import { graphOf, wayOf } from './graph.ts';
import type { View } from './view.ts';
import { fullName } from './words.ts';

type Seen = Pick<Picture, 'things' | 'lines'>;
type Filter = Pick<View, 'namespace' | 'states' | 'identity' | 'search'>;

/** The things that match, and their ways. Of pods only those in the wanted states. */
export function filterPicture({ things, lines }: Seen, filter: Filter): Seen {
  const { namespace, states, identity, search } = filter;
  if (namespace === '' && states.length === 0 && identity === '' && search === '') return { things, lines };
  const graph = graphOf(lines);
  const words = search.toLowerCase();
  const hasState = ({ state }: Thing) => states.length === 0 || states.includes(state);
  const matching = things.filter(
    (thing) =>
      hasState(thing) &&
      (namespace === '' || thing.namespace === namespace) &&
      (words === '' || fullName(thing).toLowerCase().includes(words)),
  );
  const ways = wayOf(
    graph,
    matching.map(({ id }) => id),
  );
  const within = identity === '' ? ways : ways.intersection(wayOf(graph, [identity]));
  const kept = things.filter((thing) => within.has(thing.id) && (thing.column !== 'pod' || hasState(thing)));
  const ids = new Set(kept.map(({ id }) => id));
  return { things: kept, lines: lines.filter(({ from, to }) => ids.has(from) && ids.has(to)) };
}

export function countPods(things: readonly Thing[]): Readonly<Record<State, number>> {
  const count = { ready: 0, waiting: 0, refused: 0, unknown: 0, unused: 0 };
  for (const { column, state } of things) if (column === 'pod') count[state] += 1;
  return count;
}
