/** The imports of each node. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** The quantile for a share of 0 to 1, which is one of the values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Strongly connected components of more than one node. */
export function circles(graph: Graph): string[][] {
  const reached = new Map([...graph.keys()].map((node) => [node, reachedFrom(graph, node)]));
  const left = new Set(graph.keys());
  const found: string[][] = [];
  for (const node of left) {
    const group = [...(reached.get(node) ?? [])].filter((other) => reached.get(other)?.has(node));
    for (const member of group) left.delete(member);
    if (group.length > 1) found.push(group.sort());
  }
  return found;
}

function reachedFrom(graph: Graph, start: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop())
    for (const next of graph.get(node) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(next);
    }
  return reached;
}
