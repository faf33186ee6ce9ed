import type { Clock } from '../core/clock.ts';
import { RecentMap } from '../core/recent.ts';
import type { Log } from '../serve/log.ts';
import { tooLargeIn, type TooLarge } from './fields.ts';

/** An editor can change a too large object any number of times, in any number of namespaces. */
const quietMs = 5 * 60_000;
const mostNamespaces = 1_000;

/**
 * Logs which fields of an object were not read. Users can write many such objects, so a namespace gets one line in five minutes, with the
 * object and the number of suppressed lines.
 */
export function createTooLargeLog(log: Log | undefined, clock: Clock, kind: string) {
  const reported = new RecentMap<string, { readonly at: number; silent: number }>(mostNamespaces);
  return (key: string, object: unknown) => {
    const [first, ...others] = tooLargeIn(object);
    if (!first) return;
    // Objects without a namespace are each limited by themselves, since different people write them.
    const [namespace = key] = key.split('/', 1);
    const last = reported.get(namespace);
    if (last && clock.elapsed() - last.at < quietMs) {
      last.silent += 1;
      return;
    }
    reported.set(namespace, { at: clock.elapsed(), silent: 0 });
    const limit = first.unknownNames ? { maxUnknownKeys: first.upTo } : { maxBytes: first.upTo };
    const more = { moreFields: others.length, moreObjects: last?.silent ?? 0 };
    log?.warn({ kind, key, field: first.path, ...limit, ...more }, textOf(first));
  };
}

function textOf({ unknownNames }: TooLarge): string {
  return unknownNames
    ? 'an object has more unknown keys than are looked at, and is not used'
    : 'fields of an object are too large and are not read';
}
