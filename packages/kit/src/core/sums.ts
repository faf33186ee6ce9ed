/** A sum for each key; one that is 0 is not kept. */
export function createSums<Key>() {
  const sums = new Map<Key, number>();
  let total = 0;
  return {
    of: (key: Key) => sums.get(key) ?? 0,
    add(key: Key, by: number) {
      total += by;
      const sum = (sums.get(key) ?? 0) + by;
      if (sum === 0) sums.delete(key);
      else sums.set(key, sum);
    },
    /** The key with the largest sum; there must be one. */
    heaviest: () => [...sums].reduce((most, one) => (one[1] > most[1] ? one : most))[0],
    get total() {
      return total;
    },
    get size() {
      return sums.size;
    },
  };
}
