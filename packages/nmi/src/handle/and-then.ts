/** Calls `next` at once unless the value is a promise: a promise for each cached token would cost more than the token. */
export function andThen<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
