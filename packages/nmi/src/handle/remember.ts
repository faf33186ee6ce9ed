/** The function with a memory for what it was asked lately. For pure functions of texts that repeat; callers choose them. */
export function remember<V>(compute: (text: string) => V, kept: number): (text: string) => V {
  const memory = new Map<string, V>();
  return (text) => {
    const known = memory.get(text);
    if (known !== undefined) return known;
    // Whoever thinks up new texts makes all be worked out again, and uses up no memory.
    if (memory.size >= kept) memory.clear();
    const value = compute(text);
    memory.set(text, value);
    return value;
  };
}
