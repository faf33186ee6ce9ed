import type { Thing } from '../picture.ts';
import { fullName, kindOf } from './words.ts';

/** Nobody listens to more names: then they are counted. */
const most = 3;

/** What changed between two pictures, in one sentence for those who listen; '' if nothing that concerns them did. */
export function newsOf(before: readonly Thing[], after: readonly Thing[]): string {
  const old = new Map(before.map((thing) => [thing.id, thing.state]));
  const changed = after.filter(
    ({ id, column, state }) =>
      (column === 'pod' || column === 'identity') &&
      state !== 'unused' &&
      state !== 'unknown' &&
      old.get(id) !== state,
  );
  if (changed.length === 0) return '';
  if (changed.length <= most)
    return changed.map((thing) => `${kindOf(thing)} ${fullName(thing)} is ${thing.state}`).join(', ');
  const counts = Map.groupBy(changed, ({ state }) => state);
  const parts = Array.from(counts, ([state, list]) => `${list.length} are ${state}`);
  return `${changed.length} pods and identities changed: ${parts.join(', ')}`;
}
