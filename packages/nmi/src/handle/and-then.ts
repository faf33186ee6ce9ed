/** Goes on in the same turn with what is there already. A promise for each token out of memory costs more than the token. */
export function andThen<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
