// The claims about clients in behaviour.json, of which docs/reference/errors.md shows a part.
import measured from './behaviour.json' with { type: 'json' };
import { parseCell, type Behaviour } from './behaviour.ts';

/** By the name of the client, then by the title of the column. */
export type Claims = ReadonlyMap<string, ReadonlyMap<string, Behaviour>>;

export const claims: Claims = new Map(
  Object.entries(measured).map(([client, cells]) => [
    client,
    new Map(Object.entries(cells).map(([title, cell]) => [title, parseCell(cell)])),
  ]),
);
