import type { Explanation } from './explain.ts';
import type { Entry } from './status.ts';
import { allNames, type Item, type Kind, type Listed } from './vault-object.ts';

export type Listing = Listed | { readonly failure: Explanation };

/** What a round reads: the names that are set, and those that the vault has. What is known of an object stays, also if a list failed. */
export function entriesOf(
  items: readonly Item[],
  listings: ReadonlyMap<Kind, Listing>,
  before: readonly Entry[],
): readonly Entry[] {
  return items.flatMap((item) => {
    const listing = item.name === allNames ? listings.get(item.kind) : undefined;
    if (listing === undefined) return [known(item, before)];
    if ('failure' in listing) return [{ item, failure: listing.failure }, ...listedBefore(item, before)];
    const note = noteOn(item, listing);
    return [
      ...(note === undefined ? [] : [{ item, note }]),
      ...listing.names.map((name) => known({ kind: item.kind, name }, before)),
    ];
  });
}

function noteOn({ kind }: Item, { names, isWhole }: Listed): string | undefined {
  if (!isWhole) return `The vault has more ${kind}s than are read: the first ${names.length} are`;
  return names.length === 0 ? `The vault has no ${kind}s` : undefined;
}

function known(item: Item, before: readonly Entry[]): Entry {
  return before.find(({ item: one }) => one.kind === item.kind && one.name === item.name) ?? { item };
}

const listedBefore = ({ kind }: Item, before: readonly Entry[]): readonly Entry[] =>
  before.filter(({ item }) => item.kind === kind && item.name !== allNames);
