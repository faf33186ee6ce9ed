/** What `run` returns, or `otherwise` if it throws. */
export function attempt<T>(run: () => T, otherwise: () => T): T {
  try {
    return run();
  } catch {
    return otherwise();
  }
}
