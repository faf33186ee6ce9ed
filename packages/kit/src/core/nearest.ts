// Which of several words was probably meant by one that is none of them.

const mostEdits = 2;

/** The only one that is at most two edits away and mostly the same; undefined if there is none, or more than one as near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const all = [...new Set(candidates)].map((candidate) => ({
    candidate,
    edits: editsBetween(word, candidate),
  }));
  const near = all
    .filter(({ candidate, edits }) => edits <= mostEdits && 2 * edits < candidate.length)
    .sort((a, b) => a.edits - b.edits);
  const [first, second] = near;
  return first === undefined || first.edits === second?.edits ? undefined : first.candidate;
}

/** Insertions, deletions, substitutions and swaps of neighbours, without case. */
function editsBetween(one: string, other: string): number {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  if (Math.abs(a.length - b.length) > mostEdits) return mostEdits + 1;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let row = 1; row <= a.length; row += 1) {
    const edits = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const at = (up: number, left: number) =>
        (up === 0 ? edits : rows[row - up])?.[column - left] ?? Infinity;
      const isSame = a[row - 1] === b[column - 1];
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      edits.push(
        Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + (isSame ? 0 : 1), isSwap ? at(2, 2) + 1 : Infinity),
      );
    }
    rows.push(edits);
  }
  return rows.at(-1)?.at(-1) ?? 0;
}
