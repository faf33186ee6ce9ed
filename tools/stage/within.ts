/** The promise's result, or after this time an error with what was waited for. */
export async function within<T>(ms: number, what: string | (() => string), promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const waitedFor = typeof what === 'string' ? what : what();
    reject(new Error(`waited ${ms / 1000} s without success for ${waitedFor}`));
  }, ms);
  // A failure after the deadline ends no process.
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
